"""The warnings of what an answer recommends or weighs, held against the patient's conditions, as its pitfalls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.answer.cautions import Caution, Cautions, Degree
from rag.answer.claims import Claim, is_novel
from rag.answer.headings import heading
from rag.answer.plans import Plan, PlannedSection
from rag.answer.question import Intent, Query
from rag.answer.select import ADVISING, GRADES, OUTCOMES, Candidate, Matcher
from rag.domain import Filter, Role
from rag.index.snapshot import Snapshot
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance

_MOST_TREATMENTS = 8
_MOST_FOR_PATIENT, _MOST_OTHERS, _MOST_IN_SECTION = 4, 2, 5
#: Kinds of question that are answered by what to give.
_ADVISED = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.CHOICE, Intent.DOSE, Intent.OTHER})
_DRUGS = frozenset({"drug", "drug_class"})
_ORDER = list(Role)


@dataclass(frozen=True, slots=True, eq=False)
class Pitfall:
    """A warning of ``treatments`` with the patient's conditions that it ``names``."""

    candidate: Candidate
    degree: Degree
    treatments: tuple[str, ...]
    names: tuple[str, ...]

    def repeats(self, other: Pitfall) -> bool:
        """Whether it bars no more than another does: what one label says need not be shown of each."""
        is_barring = self.degree.bars and other.degree.bars
        return is_barring and set(self.treatments) <= set(other.treatments) and set(self.names) <= set(other.names)


class Warnings:
    """All warnings of one question's treatments: those that retrieval brought and those that are looked up by drug.

    Nothing else looks for warnings, for the bottom line or for the pitfalls; sources are those that ``within`` passes.
    """

    def __init__(
        self, cautions: Cautions, snapshot: Snapshot, matcher: Matcher, pool: Sequence[Candidate],
        vector: NDArray[np.float32], within: Filter | None = None,
    ) -> None:  # fmt: skip
        self._cautions, self._snapshot, self._matcher, self._within = cautions, snapshot, matcher, within
        self._query, self._pool, self._vector = matcher.query, pool, vector
        self._read = {c.record.row: c for c in pool}

    def leading(self) -> list[Candidate]:
        """Those of what is asked about that name a condition of this patient, boxed ones first."""
        found = self._of(self._query.focus, is_leading=True).items()
        grave = (
            self._candidate(row, warnings[0][1])
            for row, warnings in found
            if any(c.degree in {Degree.BOXED, Degree.WARNED} for _, c in warnings)
        )
        mine = (c for c in grave if c.speaks_of(self._query.patient))
        return sorted(mine, key=lambda c: (not c.sentence.is_boxed, -c.relevance, c.place))

    def added_to(self, plan: Plan) -> Plan:
        """``plan`` with the warnings of its treatments under pitfalls.

        Those that name a condition of this patient come first. The boxed warning of a treatment that is weighed is
        shown even when it names none; so are the contraindications of one that is asked about, where no condition is
        stated.
        """
        if not plan.bottom_line:
            return plan
        shown = plan.shown()
        rows = {c.record.row for c in shown}
        patient = _Patient(self._query, plan.main, self._matcher.lexicon)
        treatments = weighed(plan, self._query, self._pool, self._matcher.lexicon)
        pitfalls = [
            Pitfall(self._candidate(row, gravest), gravest.degree, tuple(t for t, _ in warnings), names)
            for row, warnings in self._of(treatments).items() if row not in rows
            for gravest in (min((c for _, c in warnings), key=lambda c: c.degree),)
            if (names := patient.named_by(gravest, self._matcher)) or patient.needs(gravest)
        ]  # fmt: skip
        pitfalls.sort(key=lambda p: (-len(p.names), p.degree, -p.candidate.relevance, p.candidate.place))
        return _with_pitfalls(plan, self._query, _chosen(pitfalls, shown))

    def _of(self, treatments: Iterable[str], *, is_leading: bool = False) -> dict[int, list[tuple[str, Caution]]]:
        """Warnings by row, each with the treatments of which it warns.

        A mere warning matters of what is asked about or taken, not of all that is advised. Of those that retrieval
        brought the article has a place for those that are not boxed, so that they count for what leads alone.
        """
        found: dict[int, list[tuple[str, Caution]]] = {}
        for treatment in treatments:
            is_asked = treatment in self._query.treatments
            retrieved = [c for c in self._retrieved(treatment) if is_leading or c.degree is Degree.BOXED]
            for caution in (*self._cautions.of(treatment, self._within), *retrieved):
                known = found.get(caution.sentence.record.row, [])
                if (is_asked or caution.degree < Degree.WARNED) and treatment not in {t for t, _ in known}:
                    found[caution.sentence.record.row] = [*known, (treatment, caution)]
        return found

    def _retrieved(self, treatment: str) -> Iterator[Caution]:
        """Sentences that warn by their role, whoever says them: a review may warn of what no label knows."""
        for candidate in self._pool:
            sentence = candidate.sentence
            if candidate.role is Role.PITFALL and sentence.passage.anchor is not None and treatment in sentence.about:
                yield Caution(sentence, Degree.BOXED if sentence.is_boxed else Degree.WARNED, frozenset())

    def _candidate(self, row: int, caution: Caution) -> Candidate:
        """A sentence that warns, whether or not it was retrieved for the question."""
        if row in self._read:
            return self._read[row]
        own = self._snapshot.sentence_vectors[[caution.sentence.record.row]][0]
        return self._matcher.candidate(caution.sentence, float(own @ self._vector), own)


def weighed(plan: Plan, query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> tuple[str, ...]:
    """Drugs that are asked about, that the patient has, and that the shown advice does not speak against, in order.

    Of a class that is asked about its kinds in ``pool`` are weighed too.
    """
    asked = [c for c in query.treatments if lexicon.kind(c) in _DRUGS]
    classes = [c for c in query.focus if lexicon.kind(c) == "drug_class"]
    kinds = _counted(pool, lexicon) if classes else []
    members = [c for c in kinds if not lexicon.ancestors(c).isdisjoint(classes)]
    # Who asks how something is diagnosed or works is advised nothing.
    advice = [s for s in plan.shown() if s.role in ADVISING] if query.intent in _ADVISED else []
    return tuple(dict.fromkeys([*asked, *members, *_counted(advice, lexicon, Stance.AGAINST)]))[:_MOST_TREATMENTS]


def _counted(sentences: Iterable[Candidate], lexicon: Lexicon, without: Stance | None = None) -> list[str]:
    """Drugs that the sentences name, those first that most do; not counting those ``without`` a stance on it."""
    counts = Counter(
        c for s in sentences
        for c in s.sentence.concepts
        if lexicon.kind(c) == "drug" and (without is None or s.sentence.stance_on(c) is not without)
    )  # fmt: skip
    return sorted(counts, key=lambda c: (-counts[c], c))


class _Patient:
    """The patient of a question, as far as it is stated."""

    def __init__(self, query: Query, main: str | None, lexicon: Lexicon) -> None:
        kinds = {"condition", "population"}
        self._conditions = [c for c in query.patient if lexicon.kind(c) in kinds and c not in OUTCOMES]
        self._query, self._main, self._lexicon = query, main, lexicon
        #: What grades of are stated: with class B given, class C is another patient's.
        graded = (lexicon.ancestors(c) for c in self._conditions if c.startswith(GRADES))
        self._graded = frozenset[str]().union(*graded)

    def needs(self, caution: Caution) -> bool:
        """Whether a warning that names no condition of the patient is shown all the same."""
        if caution.degree is Degree.BOXED:
            return caution.sentence.source.evidence_type.is_normative
        is_asked = not caution.sentence.about.isdisjoint(self._query.focus)
        return caution.degree is Degree.CONTRAINDICATED and is_asked and not self._conditions

    def named_by(self, caution: Caution, matcher: Matcher) -> tuple[str, ...]:
        """The patient's conditions and populations of which it warns: each itself, a kind of it, the next broader one,
        or a grade of what it is a kind of.

        What a treatment is given for stands in all that is said of it, so it counts only where the treatment is barred.
        Where it is not plain in whom it is barred, the patient must have all the conditions that are spoken of.
        """
        sentence, bars = caution.sentence, caution.degree.bars
        spoken_of = caution.barred or sentence.concepts
        met = tuple(c for c in self._conditions if (c != self._main or bars) and self._meets(spoken_of, c))
        if met and bars and not caution.barred:
            is_strange = any(self._lexicon.kind(c) == "condition" for c in matcher.strange(sentence))
            return () if is_strange else met
        return met

    def _meets(self, concepts: Iterable[str], condition: str) -> bool:
        parents = self._lexicon.parents(condition)
        above = self._lexicon.ancestors(condition) - self._graded
        return any(
            self._lexicon.is_a(c, condition)
            or c in parents
            or (c.startswith(GRADES) and not self._lexicon.ancestors(c).isdisjoint(above))
            for c in concepts
        )


def _chosen(pitfalls: Iterable[Pitfall], shown: Sequence[Candidate]) -> Iterator[Pitfall]:
    """A few for this patient and a few others, none of which the article or another says already."""
    chosen = list[Pitfall]()
    left = {True: _MOST_FOR_PATIENT, False: _MOST_OTHERS}
    for pitfall in pitfalls:
        is_mine = bool(pitfall.names)
        said = [*shown, *(p.candidate for p in chosen)]
        if left[is_mine] and not any(map(pitfall.repeats, chosen)) and is_novel(pitfall.candidate, said):
            left[is_mine] -= 1
            chosen.append(pitfall)
            yield pitfall


def _with_pitfalls(plan: Plan, query: Query, chosen: Iterable[Pitfall]) -> Plan:
    """``plan`` with a section of pitfalls: this patient's first, those that there were, then the others."""
    parts: dict[bool, list[Claim]] = {True: [], False: []}
    for pitfall in chosen:
        parts[bool(pitfall.names)].append(Claim(pitfall.candidate))
    mine, others = parts[True], parts[False]
    if not mine and not others:
        return plan
    before = next((s.claims for s in plan.sections if s.role is Role.PITFALL), ())
    # No more than there were, unless this patient's warnings are more.
    most = max(_MOST_IN_SECTION, len(mine) + len(others))
    claims = (*mine, *before[: most - len(mine) - len(others)], *others)
    title = heading(Role.PITFALL, query, plan.main, [c.lead for c in claims], plan.decision)
    sections = [*(s for s in plan.sections if s.role is not Role.PITFALL), PlannedSection(title, Role.PITFALL, claims)]
    return plan._replace(sections=tuple(sorted(sections, key=lambda s: _ORDER.index(s.role))))
