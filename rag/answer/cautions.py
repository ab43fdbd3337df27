"""Warnings of treatments: which sentences of a corpus warn of a drug, how gravely, and in whom they bar it.

Retrieval brings what is near the question, which the warning of a drug that only an answer names need not be. So they
are looked up by drug, in the whole corpus. Nothing here depends on a question: what is read is remembered.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from rag.answer.sentences import Sentence, Sentences, can_be_shown
from rag.clinical.variables import renal_impairment
from rag.domain import EvidenceType, Filter, Role
from rag.index.snapshot import Snapshot
from rag.language.lexicon import Lexicon
from rag.language.terms import stem

#: Who warns by their office; of what is not classified only headings and words of warning are taken.
_SOURCES = Filter(
    evidence_types=(
        EvidenceType.GUIDELINE,
        EvidenceType.DRUG_LABEL,
        EvidenceType.REGULATOR,
        EvidenceType.CONSUMER,
        EvidenceType.UNCLASSIFIED,
    )
)
#: Words of passages that warn, by how telling they are.
_WORDS = {stem("boxed"): 1.0, stem("contraindicated"): 1.0, stem("warning"): 0.5, stem("avoid"): 0.5}
#: A boxed warning of a class is one of its drugs, but their own come first.
_OF_CLASS = 0.5
_PASSAGES = 24
_REMEMBERED = 512
_BOXED = re.compile(r"\b(?:boxed|black[- ]box) warning", re.IGNORECASE)
_CONTRAINDICATED = re.compile(r"\bcontra-?indicat\w*", re.IGNORECASE)
_RESTRICTED = re.compile(
    r"\bavoid\w*|\b(?:recommend|suggest|advis)\w* against|\b(?:should|must|do) not\b|\bunsafe\b|\bunsuitable\b|"
    r"\bnot (?:be )?(?:recommended|advised|advisable|used|given|indicated|appropriate|supported)",
    re.IGNORECASE,
)
#: Before "contraindicated": it is not.
_DENIAL = re.compile(r"\b(?:not|no|nor|never|without|rather than|n't)\b(?:\W+[\w-]+){0,7}?\W*$", re.IGNORECASE)
_DRUGS = frozenset({"drug", "drug_class"})
_IN_WHOM = frozenset({"condition", "population"})


class Degree(IntEnum):
    """How a sentence warns, the gravest first."""

    BOXED = 0
    CONTRAINDICATED = 1
    RESTRICTED = 2
    WARNED = 3

    @property
    def bars(self) -> bool:
        """Whether it says in whom a treatment is not to be used."""
        return self in {Degree.CONTRAINDICATED, Degree.RESTRICTED}


class Caution(NamedTuple):
    """A sentence that warns of a treatment.

    ``barred`` are the conditions and populations of which a clause says, after "contraindicated" or the like, that the
    treatment is not for them; none where it does not say it there.
    """

    sentence: Sentence
    degree: Degree
    barred: frozenset[str]


class Cautions:
    """The warnings of one snapshot's treatments, read on demand and remembered."""

    def __init__(self, snapshot: Snapshot, sentences: Sentences) -> None:
        self._snapshot, self._sentences = snapshot, sentences
        self._lexicon = snapshot.analyzer.lexicon
        self._known: dict[tuple[str, Filter | None], tuple[Caution, ...]] = {}

    def of(self, treatment: str, within: Filter | None = None) -> tuple[Caution, ...]:
        """Those of a drug or a class of drugs, from sources that stand and that ``within`` passes, in the order in
        which they are found.
        """
        key = (treatment, within)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = tuple(self._found(treatment, within))
        return self._known[key]

    def _found(self, treatment: str, within: Filter | None) -> list[Caution]:
        classes = [c for c in self._lexicon.parents(treatment) if self._lexicon.kind(c) == "drug_class"]
        drugs = {f"={treatment}": 1.0, **{f"={c}": _OF_CLASS for c in classes}}
        allowed, own = self._snapshot.selection(_SOURCES), self._snapshot.selection(within)
        if allowed is not None and own is not None:
            allowed = allowed & own
        rows, _ = self._snapshot.lexical.search({**drugs, **_WORDS}, _PASSAGES, allowed)
        store, found = self._snapshot.store, list[Caution]()
        for record in store.sentences(rows.tolist()) if len(rows) else ():
            if drugs.keys().isdisjoint(record.terms):
                continue
            passage = store.shown(record.passage_row, within)
            sentence = self._sentences.of(record, passage)
            is_whole = passage.anchor is not None or can_be_shown(sentence.text)
            caution = warning(sentence, treatment, self._lexicon) if is_whole and sentence.source.stands else None
            found += [caution] if caution else []
        return found


def warning(sentence: Sentence, treatment: str, lexicon: Lexicon) -> Caution | None:
    """How a sentence warns of ``treatment``, which it names itself or, where it is of a boxed warning, by its class."""
    if is_boxed(sentence):
        is_its = treatment in sentence.about or not sentence.concepts.isdisjoint(lexicon.parents(treatment))
        return Caution(sentence, Degree.BOXED, frozenset()) if is_its else None
    if treatment not in sentence.about:
        return None
    is_normative = sentence.source.evidence_type.is_normative
    patterns = {Degree.CONTRAINDICATED: _CONTRAINDICATED} | ({Degree.RESTRICTED: _RESTRICTED} if is_normative else {})
    for degree, pattern in patterns.items():
        for clause in _clauses_on(sentence, treatment):
            cue = pattern.search(clause)
            if cue and not _DENIAL.search(clause[: cue.start()]):
                return Caution(sentence, degree, _named(clause[cue.end() :], lexicon))
    if any(_CONTRAINDICATED.search(h) for h in sentence.passage.heading_path[-1:]) and "?" not in sentence.text:
        return Caution(sentence, Degree.CONTRAINDICATED, frozenset())
    is_pitfall = is_normative and sentence.record.role is Role.PITFALL
    return Caution(sentence, Degree.WARNED, frozenset()) if is_pitfall else None


def barring(text: str) -> int | None:
    """Where the first words of ``text`` end that bar something: "contraindicated", "avoid"; nothing where none do."""
    cues = (pattern.search(text) for pattern in (_CONTRAINDICATED, _RESTRICTED))
    return min((cue.end() for cue in cues if cue), default=None)


def is_boxed(sentence: Sentence) -> bool:
    """Whether it is of a boxed warning: as its source states, by its heading or by its words."""
    return sentence.is_boxed or any(_BOXED.search(said) for said in (sentence.text, *sentence.passage.heading_path))


def _clauses_on(sentence: Sentence, treatment: str) -> list[str]:
    """The clauses that name ``treatment``; all of a sentence that names no other."""
    is_alone = {m.concept for m in sentence.mentions if m.kind in _DRUGS} == {treatment}
    return [clause for clause, concepts in sentence.clauses if is_alone or treatment in concepts]


def _named(text: str, lexicon: Lexicon) -> frozenset[str]:
    named = {m.concept for m in lexicon.mentions(text) if m.kind in _IN_WHOM}
    return frozenset(named).union(renal_impairment(text))
