"""Sentences of a snapshot with what reading them tells: concepts, exclusions, advice, doses, outcomes.

Nothing here depends on a question, so a sentence is read once and remembered for the next question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from rag.clinical.variables import child_pugh_classes, renal_impairment
from rag.domain import EvidenceType, Passage, Role, Source
from rag.index.snapshot import Snapshot
from rag.index.store import SentenceRecord
from rag.language.lexicon import Lexicon, Mention, tokens
from rag.language.polarity import Stance, direction, stance, stances, therapy_line
from rag.language.quantities import Quantity, quantities
from rag.language.terms import stem

_RANK = {kind: i for i, kind in enumerate(EvidenceType)}
_REMEMBERED = 20_000
_PERCENTAGES = re.compile(
    r"[^.;%]{0,40}?(?P<first>\d+(?:\.\d+)?)%[^.;%]{0,50}?\b(?:versus|vs)\s+(?P<second>\d+(?:\.\d+)?)%"
)
_SAME_SHARE = 0.1
_BETTER = re.compile(r"\b(?:improv\w+|better|gains?)\b", re.IGNORECASE)
_IMPROVING = frozenset({"pain", "function"})
_DIVIDED = re.compile(
    r"\b(?:guidelines (?:differ|disagree)|(?:regulatory )?conflict\b|not standardised|sources differ)", re.IGNORECASE
)
#: Characters around an outcome within which its comparison stands.
_NEAR = 45
_EXCLUDED = re.compile(
    r"\b(?:without|excluded?|excluding|absence of)\s+(?:(?!for\b|in\b|with\b|after\b)[\w-]+\s+){0,3}$", re.IGNORECASE
)
_NOT_NOW = re.compile(r"\b(?:(?:is|are|were|was) not(?: \w+ly)?|no or)\s+$", re.IGNORECASE)
_NORMAL = re.compile(
    r"\b(?:normal|adequate|preserved)\s+(?P<organ>liver|hepatic|renal|kidney|organ)\s+function", re.IGNORECASE
)
_ORGANS = {
    "liver": ("hepatic impairment",),
    "hepatic": ("hepatic impairment",),
    "renal": ("renal impairment",),
    "kidney": ("renal impairment",),
    "organ": ("hepatic impairment", "renal impairment"),
}
_CLAUSE = re.compile(r"(?:[;:]|\.\s|,?\s(?:but|whereas|while|although)\s)")
_STOPPED_BEFORE = re.compile(
    r"\b(?:stop\w*|discontinu\w*|ceas\w*|withdraw\w*|remov\w*|rather than(?: continuing| starting)?|instead of)\s+"
    r"(?:[\w-]+\s+){0,1}$",
    re.IGNORECASE,
)
_STOPPED_AFTER = re.compile(
    r"\s+(?:cessation|discontinuation|withdrawal)\b|"
    r"[^.;]{0,60}\b(?:have it|must be|should be) (?:stopped|removed|discontinued)",
    re.IGNORECASE,
)
_STOPPING = r"(?:stop\w*|discontinu\w*|ceas\w*|withdraw\w*)"
#: A time and no advice: "4 days of stopping heparin".
_WHEN_STOPPED = re.compile(
    rf"\b(?:after|of|before|since|following|when|while|until)\s+{_STOPPING}\s+(?:[\w-]+\s+){{0,1}}$", re.IGNORECASE
)
#: Who advises against stopping something advises for it.
_NOT_STOPPED = re.compile(rf"\b(?:against|not)\s+(?:[\w-]+\s+){{0,3}}(?:{_STOPPING}\s+(?:[\w-]+\s+)?)?$", re.IGNORECASE)
#: What studies compare, as they name it.
_OUTCOMES = re.compile(
    r"\b(?:(?P<bleeding>bleed\w*|ha?emorrhag\w*)|(?P<thrombosis>thrombo(?:sis|ses|tic|embol\w*))|"
    r"(?P<death>death|mortality|died)|(?P<recurrence>recurren\w*)|(?P<pain>pain)|(?P<dose>doses?)|"
    r"(?P<retention>retention|discontinuation|completion)|(?P<function>function|subscores?))\b",
    re.IGNORECASE,
)


#: How a sentence begins and ends that can be shown alone; a table row names its columns.
_WHOLE = re.compile(r"[\"“‘(\[]?(?:[A-Z0-9<>≥≤]|[a-z]{1,3}[A-Z-]).*\.[\"”’)\]0-9,*†‡§¶]*", re.DOTALL)
#: One that was cut off before its mark, as excerpts are: long, and no question that a heading asks.
_UNENDED = re.compile(
    r"(?!(?:What|How|Why|When|Where|Who|Which)\b)(?:[A-Z]|[a-z]{1,3}[A-Z-])(?:\S+\s+){7,}.*[^\s?:;,]", re.DOTALL
)
_ROW = re.compile(r"[^|]+: [^|]+\|")
#: An entry of a list of references: "Rupprecht CE, Briggs D, Brown C, et al. Evidence ...".
_REFERENCE = re.compile(
    r"(?:^|\bSources?: )(?:[^\w]*[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)? [A-Z]{1,3}[,.;:] ?){2,}|^[*†‡§¶\s]*Sources?:"
)


#: What was to be found out, without who did it or what was found: "To determine whether …".
_AIM_ALONE = re.compile(
    r"\(?To (?:determine|evaluate|assess|investigate|examine|compare|describe|study|explore|identify|test|report|"
    r"analy[sz]e|review|establish|estimate|measure|find|clarify|characteri[sz]e|develop|define|quantify)\b[^,;:]*"
)
_PARTS = ("BACKGROUND", "CONCLUSION", "CONCLUSIONS", "INTERPRETATION", "METHODS", "OBJECTIVE", "OBJECTIVES", "RESULTS")
_CAPITALS = re.compile(r"(?P<word>[A-Z]+):\s")


def can_be_shown(text: str) -> bool:
    """Whether a sentence of a document that nobody curated can stand as a statement.

    Headings, titles, fragments, questions and references cannot; a table row can.
    """
    if _ROW.match(text):
        return not _REFERENCE.search(text)
    if _AIM_ALONE.fullmatch(text) or _is_cut_heading(text):
        return False
    is_whole = _WHOLE.fullmatch(text) or (_UNENDED.fullmatch(text) and _ASSERTS.search(text))
    return bool(is_whole) and not _REFERENCE.search(text) and not _is_title(text)


def _is_cut_heading(text: str) -> bool:
    """Whether it begins within the heading of a part of an abstract: "SIONS: Lactate predicts …"."""
    start = _CAPITALS.match(text)
    word = start["word"] if start else ""
    return bool(word) and word not in _PARTS and any(whole.endswith(word) for whole in _PARTS)


def _is_title(text: str) -> bool:
    """Whether its words are capitalised as in a title that asserts nothing, or none of them can be a verb."""
    if _ASSERTS.search(text):
        return False
    words = [w for w in _LETTERS.findall(text) if len(w) > 3][1:]
    capitals = sum(w[0].isupper() for w in words)
    if len(words) >= _SHORTEST_TITLE and capitals >= _TITLE_SHARE * len(words):
        return True
    return not _VERB.search(text)


_LETTERS = re.compile(r"[A-Za-z][\w'-]*")
#: Share of the longer words from which capitals make a title; shorter ones than so many words are not told by them.
_TITLE_SHARE, _SHORTEST_TITLE = 0.7, 4
_ASSERTS = re.compile(
    r"\b(?:is|are|was|were|has|have|does|do|can|could|may|should|must|will|would|not|never|avoid)\b", re.IGNORECASE
)
#: Words that can be a verb of the sentence: some are nouns as well, since a statement lost is worse than a title kept.
_VERB = re.compile(
    r"\b(?:be|been|had|did|might|shall|[a-z]{2,}(?:ed|es|s)|found|shown|seen|given|made|led|arose|became|began|grew|occur|remain|include|cause|lead|"
    r"suggest|show|indicate|avoid|use|give|start|stop|consider|monitor|check|measure|treat|offer|refer|contain|"
    r"require|increase|decrease|reduce|produce|play|appear|seem|differ|depend|exist|result|develop|provide|support)\b"
)


class Said(NamedTuple):
    """What text speaks of: content terms, the concepts among them, and those with all broader ones."""

    terms: frozenset[str]
    concepts: frozenset[str]
    about: frozenset[str]

    @classmethod
    def by(cls, sentences: Iterable[Sentence]) -> Said:
        """What several sentences speak of together."""
        said = [s.said for s in sentences]
        return (
            cls(*(frozenset().union(*sets) for sets in zip(*said, strict=True))) if said else cls(*3 * (frozenset(),))
        )


class Sentence:
    """One sentence of a passage. ``about`` are its concepts with all broader ones."""

    def __init__(self, record: SentenceRecord, passage: Passage, source: Source, lexicon: Lexicon) -> None:
        self.record = record
        self.passage = passage
        self.source = source
        self.text = passage.text[record.start : record.end]
        terms = frozenset(record.terms)
        self.concepts = frozenset([*(t[1:] for t in terms if t.startswith("=")), *renal_impairment(self.text)])
        self.about = self.concepts.union(*(lexicon.ancestors(c) for c in self.concepts))
        self.said = Said(terms, self.concepts, self.about)
        self._lexicon = lexicon
        self._stances: dict[str, Stance] = {}

    @property
    def evidence_rank(self) -> int:
        """0 for the strongest kind of source."""
        return _RANK[self.source.evidence_type]

    @property
    def is_boxed(self) -> bool:
        return "boxed" in (self.passage.strength or "")

    @property
    def is_warning(self) -> bool:
        is_barred = "contraindication" in (self.passage.strength or "")
        return self.record.role is Role.PITFALL or self.is_boxed or is_barred

    @cached_property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Its concepts, each with its kind."""
        return tuple((c, self._lexicon.kind(c)) for c in self.concepts)

    @cached_property
    def mentions(self) -> tuple[Mention, ...]:
        return self._lexicon.mentions(self.text)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        return quantities(self.text)

    @cached_property
    def excludes(self) -> frozenset[str]:
        """Conditions that its population did not have: "without liver disease", "normal renal function"."""
        found = {c for m in _NORMAL.finditer(self.text) for c in _ORGANS[m["organ"].lower()]}
        absent = (m for m in self.mentions if m.kind == "condition" and _EXCLUDED.search(self.text[: m.start]))
        return frozenset(found | {m.concept for m in absent})

    @cached_property
    def denied(self) -> frozenset[str]:
        """Conditions that its people do not have at the time: "not bleeding"."""
        conditions = (m for m in self.mentions if m.kind == "condition")
        return frozenset(m.concept for m in conditions if _NOT_NOW.search(self.text[: m.start]))

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Stems of its words, in order."""
        return tuple(stem(t.key) for t in tokens(self.text))

    @cached_property
    def child_pugh(self) -> frozenset[str]:
        return frozenset(child_pugh_classes(self.text))

    @cached_property
    def stance(self) -> Stance:
        return stance(self.text)

    @cached_property
    def line(self) -> str | None:
        return therapy_line(self.text)

    @cached_property
    def clauses(self) -> list[tuple[str, frozenset[str]]]:
        """Clauses with the concepts that each mentions, broader ones included."""
        cuts = [0, *(m.end() for m in _CLAUSE.finditer(self.text)), len(self.text)]
        return [
            (self.text[a:b], frozenset().union(*(
                {m.concept} | self._lexicon.ancestors(m.concept) for m in self.mentions if a <= m.start < b
            )))
            for a, b in pairwise(cuts)
        ]  # fmt: skip

    def stance_on(self, concept: str) -> Stance:
        """What the clauses that mention ``concept`` say about it; stopping it is against it."""
        if concept not in self._stances:
            self._stances[concept] = self._stance_on(concept)
        return self._stances[concept]

    def stances_on(self, concept: str) -> set[Stance]:
        """All stances of the clauses that mention ``concept``."""
        said = {s for clause, concepts in self.clauses if concept in concepts for s in stances(clause)}
        return said | {self.stance_on(concept)}

    def _stance_on(self, concept: str) -> Stance:
        stopped = self._stopped(concept)
        if stopped:
            is_kept = all(_NOT_STOPPED.search(self.text[: m.start]) for m in stopped)
            return Stance.FOR if is_kept else Stance.AGAINST
        if self.only_times(concept):
            return Stance.NEUTRAL
        found = [stance(clause) for clause, concepts in self.clauses if concept in concepts]
        return next((s for s in found if s is not Stance.NEUTRAL), Stance.NEUTRAL)

    def only_times(self, concept: str) -> bool:
        """Whether it names a treatment only to say when: "4 days after stopping heparin"."""
        named = [m for m in self.mentions if self._lexicon.is_a(m.concept, concept)]
        return bool(named) and all(_WHEN_STOPPED.search(self.text[: m.start]) for m in named)

    def is_stopped(self, concept: str) -> bool:
        """Whether it speaks of stopping a treatment."""
        return bool(self._stopped(concept))

    def _stopped(self, concept: str) -> list[Mention]:
        return [m for m in self.mentions if self._lexicon.is_a(m.concept, concept) and self._is_stopped(m)]

    def _is_stopped(self, mention: Mention) -> bool:
        before = self.text[: mention.start]
        is_after = _STOPPED_AFTER.match(self.text[mention.end :])
        return bool(is_after or (_STOPPED_BEFORE.search(before) and not _WHEN_STOPPED.search(before)))

    @cached_property
    def outcomes(self) -> dict[str, str]:
        """Outcomes that it compares, each with ``more``, ``less`` or ``same``."""
        found: dict[str, str] = {}
        for clause, _ in self.clauses:
            for match in _OUTCOMES.finditer(clause):
                near = clause[max(0, match.start() - _NEAR) : match.end() + _NEAR // 2]
                outcome = str(match.lastgroup)
                is_better = outcome in _IMPROVING and _BETTER.search(near)
                way = _compared(clause[match.end() :]) or ("better" if is_better else direction(near))
                if way:
                    found.setdefault(outcome, way)
        return found

    @cached_property
    def is_divided(self) -> bool:
        """Whether it says itself that sources differ."""
        return bool(_DIVIDED.search(self.text))


def _compared(after: str) -> str | None:
    """What "36% versus 22%" just after an outcome says: more, less or same in the first group."""
    match = _PERCENTAGES.match(after)
    if not match:
        return None
    first, second = float(match["first"]), float(match["second"])
    if abs(first - second) <= _SAME_SHARE * max(first, second):
        return "same"
    return "more" if first > second else "less"


class Sentences:
    """The sentences of one snapshot, read on demand and remembered."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._read: dict[tuple[int, str], Sentence] = {}

    def of(self, record: SentenceRecord, passage: Passage) -> Sentence:
        """A sentence as one of ``passage``, one of those with the words in which it is stored."""
        key = (record.row, passage.passage_id)
        if key not in self._read:
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            source, lexicon = self._snapshot.store.source(passage.source_key), self._snapshot.analyzer.lexicon
            self._read[key] = Sentence(record, passage, source, lexicon)
        return self._read[key]
