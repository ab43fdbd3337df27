"""What a sentence says as a party to a disagreement: for or against what, which doses, which outcomes at which rate.

Nothing here depends on a question, so that a sentence is read once and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from rag.answer.cautions import barring
from rag.answer.question import TREATMENTS
from rag.answer.select import ADVISING, OUTCOMES
from rag.answer.sentences import Sentence
from rag.domain import EvidenceType, Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance, stance, stances
from rag.language.quantities import Quantity

_STUDIES = frozenset({EvidenceType.SYSTEMATIC_REVIEW, EvidenceType.RCT, EvidenceType.COHORT, EvidenceType.CASE_CONTROL})
#: Roles in which a guideline takes sides by what it says, though it does not advise.
_SAYING = ADVISING | {Role.DIAGNOSIS, Role.BACKGROUND}
_REMEMBERED = 20_000
#: Where a sentence goes over to another treatment: "LMWH can be used, and warfarin should not".
_PART = re.compile(r"[;:]\s|,\s+(?:and|but|whereas|while)\s", re.IGNORECASE)
_FOR_NOW = re.compile(
    r"\b(?:do not|not be|must not|should not|against) (?:\w+ )?(?:start|begin|giv|us|resum|restart)\w*\b"
    r"[^.;]{0,60}?\b(?:until|before)\b",
    re.IGNORECASE,
)
_STARTS = re.compile(r"\bstart(?:s|ed|ing)?\b", re.IGNORECASE)
_NOT_PUT_OFF = re.compile(r"\bnot (?:be )?(?:delay|withh[eo]ld|discourag|defer)\w*", re.IGNORECASE)
#: A body that speaks of something in its guidance without being quoted on it.
_COVERS = re.compile(r"\b(?:cover(?:s|ed)?|address(?:es|ed)|widened its scope|extended its scope)\b", re.IGNORECASE)
_NO_EFFECT = (
    r"\b(?:no (?:(?:statistically |clinically )?(?:significant|relevant|important) )?(?:effect|difference|change|"
    r"influence|association|correlation)|not (?:significantly )?(?:associated|correlated|different|affected)|"
    r"did not (?:significantly )?(?:change|affect|correlate|differ|predict|improve))\b"
)
_WITHOUT_EFFECT = re.compile(_NO_EFFECT, re.IGNORECASE)
#: "showed no effect": on nothing in particular, so on nothing.
_NO_EFFECT_AT_ALL = re.compile(
    r"\b(?:showed|found|had) no (?:significant )?(?:effect|benefit|improvement)\s*(?:[.,;(]|$)", re.IGNORECASE
)
_SOME_EFFECT = re.compile(r"\b(?:improv\w+|better|gains?|benefit\w*)\b", re.IGNORECASE)
_RELATED = re.compile(
    r"\b(?:predict(?:s|ed)?|correlat(?:es|ed)|associated with|depend(?:s|ed) on|fell about|rose about)\b", re.IGNORECASE
)
#: What a factor is said to bear on.
_BEARING = re.compile(r"\b(?P<on>dose|clearance|half-life|mortality|death|bleeding|thrombosis)s?\b", re.IGNORECASE)
_UNCHANGED = re.compile(
    rf"{_NO_EFFECT}[^.;,]{{0,40}}?\b(?P<outcome>pain|function|mortality|death|bleeding|thrombosis|recurrence)\b",
    re.IGNORECASE,
)
#: Outcomes that are no conditions.
_COUNTED = {
    "recurrence": re.compile(r"\brecur\w*", re.IGNORECASE),
    "death": re.compile(r"\b(?:mortality|deaths?|died)\b", re.IGNORECASE),
}
_RATES = frozenset({"%", "/person-years"})
#: Before a rate that is another group's, or one end of a range.
_NOT_FIRST = re.compile(r"\b(?:versus|vs|compared|than|CI|from|to)\b[^,;.]*$", re.IGNORECASE)


class Side:
    """One sentence, as it can differ from others."""

    def __init__(self, sentence: Sentence, lexicon: Lexicon) -> None:
        self.sentence, self._lexicon = sentence, lexicon
        kind = sentence.source.evidence_type
        self.is_normative, self.is_study = kind.is_normative, kind in _STUDIES
        self.excluded, self.role = sentence.excludes, sentence.record.role
        near = {p for c in sentence.concepts for p in (c, *lexicon.parents(c))}
        #: Treatments that it names, with their classes: what is said of warfarin is said of vitamin K antagonists, not
        #: of anticoagulation.
        self.treatments = frozenset(c for c in near if lexicon.kind(c) in TREATMENTS)
        #: Conditions and tests of which it speaks, itself or by a kind of each.
        self.conditions, self.tests = (
            frozenset(c for c in sentence.about - self.excluded if lexicon.kind(c) == kind)
            for kind in ("condition", "test")
        )
        self._stances: dict[str, frozenset[Stance]] = {}

    @cached_property
    def takes_sides(self) -> bool:
        """Whether it can disagree: advice or a finding of its source's own, a sentence that says that others do, or
        that a guideline is silent, which only reading all of it tells.
        """
        if self.sentence.is_divided or self.sentence.stance is Stance.ABSENT:
            return True
        is_side = self.role in _SAYING if self.is_normative else self.is_study
        return is_side and not self.sentence.passage.derived

    @cached_property
    def named(self) -> frozenset[str]:
        """Conditions and procedures that it names itself."""
        kinds = {"condition", "procedure"}
        return frozenset(c for c in self.sentence.concepts - self.excluded if self._lexicon.kind(c) in kinds)

    @cached_property
    def barred(self) -> tuple[frozenset[str], frozenset[str]]:
        """Conditions that all must be there for what it bars, and those of which one is enough: "in A, avoid in B and
        in C" bars in A with either. A procedure is what the treatment is for.
        """
        cue = barring(self.sentence.text)
        before = frozenset(m.concept for m in self.sentence.mentions if cue and m.start < cue) & self.named
        required = before | {c for c in self.named if self._lexicon.kind(c) == "procedure"}
        return (required, self.named - required) if cue else (self.named, frozenset())

    @cached_property
    def spoken(self) -> frozenset[Stance]:
        """All stances that any of its phrases takes; stopping something is against it."""
        found = stances(self.sentence.text)
        return frozenset(found | ({Stance.AGAINST} if self._stops else set()))

    @cached_property
    def _stops(self) -> bool:
        drugs = {m.concept for m in self.sentence.mentions if m.kind in TREATMENTS}
        return any(self.sentence.stance_on(c) is Stance.AGAINST for c in drugs)

    def stances_on(self, treatment: str) -> frozenset[Stance]:
        """What is said of a treatment by the parts of the sentence that name it, or by its whole where it names no
        other. Stopping it is against it, but for the steps of a dosing scheme; not to delay it is for it.
        """
        if treatment not in self._stances:
            self._stances[treatment] = frozenset(self._read_stances(treatment))
        return self._stances[treatment]

    def _read_stances(self, treatment: str) -> set[Stance]:
        sentence, is_a, text = self.sentence, self._lexicon.is_a, self.sentence.text
        if _NOT_PUT_OFF.search(text):
            return {Stance.FOR}
        if sentence.only_times(treatment):
            return {Stance.NEUTRAL}
        whole = sentence.stance_on(treatment)
        if whole is Stance.AGAINST and whole not in stances(text):
            return set() if self.role is Role.DOSING else {whole}
        cuts = [0, *(m.end() for m in _PART.finditer(text)), len(text)]
        treatments = [m for m in sentence.mentions if m.kind in TREATMENTS]
        said, elsewhere, here = set[Stance](), False, list[str]()
        for start, end in pairwise(cuts):
            # A part that names none goes on about the one before: "... in B, and it is not recommended in C".
            here = [m.concept for m in treatments if start <= m.start < end] or here
            found = stance(text[start:end])
            if any(is_a(c, treatment) for c in here):
                said.add(found)
            elif here and found is not Stance.NEUTRAL:
                elsewhere = True
        said.discard(Stance.NEUTRAL)
        if sentence.is_divided:
            return said | sentence.stances_on(treatment)
        return said if said or elsewhere else {whole}

    @cached_property
    def is_for_now(self) -> bool:
        """Whether it speaks against something only for a time: "not until", "not before platelets recover"."""
        return bool(_FOR_NOW.search(self.sentence.text))

    def starts(self, treatment: str) -> bool:
        """Whether it tells how a treatment is started, by its name or that of a drug of the class."""
        named = [m for m in self.sentence.mentions if self._lexicon.is_a(m.concept, treatment)]
        return bool(named) and bool(_STARTS.search(self.sentence.text))

    @cached_property
    def covers(self) -> bool:
        """Whether it says that its source speaks of something, without saying what."""
        return bool(_COVERS.search(self.sentence.text))

    @cached_property
    def doses(self) -> tuple[Quantity, ...]:
        """Doses by weight."""
        return tuple(q for q in self.sentence.quantities if "/kg" in q.unit)

    @cached_property
    def highest(self) -> frozenset[tuple[object, str]]:
        """Upper ends of ranges of doses; none where it speaks of more itself."""
        ranges = {(q.high, q.unit) for q in self.sentence.quantities if q.low < q.high and q.unit.startswith("mg/")}
        return frozenset() if self.beyond else frozenset(ranges)

    @cached_property
    def beyond(self) -> frozenset[tuple[object, str]]:
        """Values of which it speaks of more."""
        return frozenset((q.low, q.unit) for q in self.sentence.quantities if q.comparator == ">")

    @cached_property
    def outcomes(self) -> dict[str, str]:
        """Outcomes with how they went, those on which nothing had an effect among them."""
        unchanged = {m["outcome"].lower(): "same" for m in _UNCHANGED.finditer(self.sentence.text)}
        return {**self.sentence.outcomes, **unchanged}

    @cached_property
    def effect(self) -> bool | None:
        """Whether it found an effect, or none at all; nothing where it is not plain."""
        if _NO_EFFECT_AT_ALL.search(self.sentence.text):
            return False
        is_plain = _SOME_EFFECT.search(self.sentence.text) and not self.is_unrelated
        return True if is_plain else None

    @cached_property
    def is_unrelated(self) -> bool:
        return bool(_WITHOUT_EFFECT.search(self.sentence.text))

    @cached_property
    def is_related(self) -> bool:
        """Whether it says that something bears on something, and nowhere that something does not."""
        return bool(_RELATED.search(self.sentence.text)) and not self.is_unrelated

    @cached_property
    def bearing(self) -> frozenset[str]:
        """What factors may bear on, as far as it is named."""
        return frozenset(m["on"].lower() for m in _BEARING.finditer(self.sentence.text))

    @cached_property
    def first_treatment(self) -> str:
        """The treatment that it names first, which is that of the first group; empty for none."""
        return next((m.concept for m in self.sentence.mentions if m.kind in TREATMENTS), "")

    @cached_property
    def rates(self) -> dict[str, Quantity]:
        """Rates of the first group that a study compares, by the outcome that is named since the number before."""
        return dict(self._read_rates()) if self.is_study else {}

    def _read_rates(self) -> Iterator[tuple[str, Quantity]]:
        sentence, end, seen = self.sentence, 0, set[str]()
        for quantity in sentence.quantities:
            between = sentence.text[end : quantity.start]
            if quantity.unit in _RATES and not _NOT_FIRST.search(between):
                named = [
                    m.concept for m in sentence.mentions if m.kind == "condition" and end <= m.start < quantity.start
                ]
                counted = (name for name, word in _COUNTED.items() if word.search(between))
                outcome = next(counted, named[-1] if named else "")
                if outcome and outcome not in seen:
                    seen.add(outcome)
                    yield outcome, quantity
            end = quantity.end

    @cached_property
    def people(self) -> frozenset[str]:
        """Whom it counts: conditions and procedures that it names before its first rate, but for what is counted."""
        first = min((rate.start for rate in self.rates.values()), default=0)
        named = {m.concept for m in self.sentence.mentions if m.start < first} & self.named
        counted = {c for c in named if any(self._lexicon.is_a(c, outcome) for outcome in OUTCOMES)}
        return frozenset(named - self.rates.keys() - counted)


class Sides:
    """The sentences of one snapshot as sides, read on demand and remembered."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._read: dict[Sentence, Side] = {}

    def of(self, sentence: Sentence) -> Side:
        side = self._read.get(sentence)
        if side is None:
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            side = self._read[sentence] = Side(sentence, self.lexicon)
        return side
