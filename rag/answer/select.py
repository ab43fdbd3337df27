"""Sentences that could be shown, with how well each fits the question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.answer.question import TREATMENTS, Query
from rag.answer.sentences import Said, Sentence, Sentences, can_be_shown
from rag.domain import Filter, Hit, Passage, Role, Source
from rag.index.lexical import idf
from rag.index.snapshot import Snapshot
from rag.index.store import SentenceRecord
from rag.language.lexicon import tokens
from rag.language.terms import STOP_WORDS, stem

#: A narrower mention speaks of the question's concept almost fully, so does the next broader one where the corpus
#: speaks of it often (renal impairment for chronic kidney disease), any other broader one partly.
_NARROWER, _PARENT, _BROADER = 0.8, 0.75, 0.5
_COMMON = 0.03
_COSINE, _OVERLAP, _FOREIGN = 0.5, 0.5, 0.15
#: In a short sentence one foreign concept is less of a sign; a long list of them is no more of one than half would be.
_FEW_KEYS, _MOST_FOREIGN = 3, 0.5
_KEY_KINDS = TREATMENTS | {"condition", "population"}
#: Grades of one condition: a sentence on another grade is not about another condition.
GRADES = ("mild", "moderate", "severe")
#: So many of the most relevant sentences tell what kind of text a question is answered from.
_DECIDING = 12
Place = tuple[str, int, int]
"""Source key, offset of the passage in its document, offset of the sentence in the passage."""
SEXES = frozenset({"man", "woman"})
#: Roles whose sentences say what to do.
ADVISING = frozenset({Role.ACTION, Role.EXCEPTION, Role.DOSING})
#: What happens in any condition: naming one does not make a sentence about something else.
OUTCOMES = ("thrombosis", "bleeding", "venous thromboembolism", "thromboembolism", "death")


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A sentence of a retrieved passage, with its fit to one question.

    ``relevance`` in [0, 1] orders candidates; ``strange`` are key concepts that the question has nothing to do with,
    ``foreign`` in [0, 1] their share; ``vector`` is the sentence's unit vector; ``nearness`` the score with which its
    passage was retrieved, 0 when it was not.
    """

    sentence: Sentence
    cosine: float
    overlap: float
    foreign: float
    strange: frozenset[str]
    relevance: float
    vector: NDArray[np.float32]
    nearness: float = 0.0

    @property
    def record(self) -> SentenceRecord:
        return self.sentence.record

    @property
    def passage(self) -> Passage:
        return self.sentence.passage

    @property
    def source(self) -> Source:
        return self.sentence.source

    @property
    def text(self) -> str:
        return self.sentence.text

    @property
    def place(self) -> Place:
        """Decides ties, alike however the corpus lies in segments."""
        return self.passage.source_key, self.passage.start, self.record.start

    @property
    def role(self) -> Role:
        return self.sentence.record.role

    def speaks_of(self, concepts: Iterable[str]) -> bool:
        """Whether it mentions one of ``concepts`` or a kind of one."""
        return not self.sentence.about.isdisjoint(concepts)


def candidates(
    snapshot: Snapshot,
    sentences: Sentences,
    matcher: Matcher,
    vector: NDArray[np.float32],
    hits: Sequence[Hit],
    within: Filter | None = None,
) -> list[Candidate]:
    """All sentences of ``hits``, sorted by (-relevance, place), but for those of retracted or superseded sources.

    Each is of a source that ``within`` passes.
    """
    store = snapshot.store
    passages = {h.row: store.shown(h.row, within) for h in hits}
    standing = [row for row, passage in passages.items() if store.source(passage.source_key).stands]
    if not standing:
        return []
    records = [r for r in store.sentences(standing) if _is_statement(passages[r.passage_row], r)]
    if not records:
        return []
    vectors = snapshot.sentence_vectors[[r.row for r in records]]
    cosines = (vectors @ vector).tolist()
    read = (sentences.of(r, passages[r.passage_row]) for r in records)
    nearness = {h.row: h.score for h in hits}
    found = [
        matcher.candidate(s, c, v, nearness[s.record.passage_row])
        for s, c, v in zip(read, cosines, vectors, strict=True)
    ]
    return sorted(found, key=lambda c: (-c.relevance, c.place))


def is_running_text(pool: Sequence[Candidate]) -> bool:
    """Whether most of the best of ``pool``, which is sorted by relevance, nobody took apart into statements."""
    best = pool[:_DECIDING]
    return 2 * sum(c.passage.anchor is None for c in best) > len(best)


def _is_statement(passage: Passage, record: SentenceRecord) -> bool:
    """Statements with an anchor were written to stand alone; of other text not every sentence can."""
    return passage.anchor is not None or can_be_shown(passage.text[record.start : record.end])


class Matcher:
    """How much of what a question is about a sentence speaks of."""

    def __init__(self, snapshot: Snapshot, query: Query) -> None:
        self.lexicon = snapshot.analyzer.lexicon
        self.query = query
        frequencies = snapshot.store.frequencies(query.weights)
        passages = len(snapshot.dense)
        self.weights = {
            term: weight * idf(passages, frequencies.get(term, 0))
            for term, weight in query.weights.items()
            if weight > 0
        }
        self.total = sum(self.weights.values()) or 1.0
        self._concepts = {term: weight for term, weight in self.weights.items() if term.startswith("=")}
        self._words = {t: _forms(t[1:], query) for t in self.weights if self._is_mined(t)}
        asked = query.concepts
        parents = passage_counts(snapshot, {p for c in asked for p in self.lexicon.parents(c)})
        self._common = {concept for concept, df in parents.items() if df >= _COMMON * passages}
        #: A kind of these is not foreign, nor is anything broader than what is asked.
        self._near = frozenset(asked).union(OUTCOMES)
        above = frozenset().union(*(self.lexicon.ancestors(c) for c in asked))
        self._related = self._near | above
        #: Other kinds of what a condition of the patient is a kind of (moderate beside severe) are no other subject.
        self._kin = {a for a in above if self.lexicon.kind(a) == "condition"}
        #: A question that names no condition is about the treatment in any, and the other way round.
        named = {self.lexicon.kind(c) for c in (*query.focus, *query.patient)}
        self._named_kinds = {"population"} | (TREATMENTS if named & TREATMENTS else set()) | (named & {"condition"})
        #: The more a question names, the more another concept is a sign that a sentence is about something else.
        self._foreign_weight = _FOREIGN * min(1.0, len(asked) / 3)

    def candidate(
        self, sentence: Sentence, cosine: float, vector: NDArray[np.float32], nearness: float = 0.0
    ) -> Candidate:
        overlap, strange = self.overlap(sentence.said), self.strange(sentence)
        keys = sum(kind in _KEY_KINDS for _, kind in sentence.kinds)
        foreign = min(_MOST_FOREIGN, len(strange) / max(keys, _FEW_KEYS))
        relevance = _COSINE * max(cosine, 0.0) + _OVERLAP * overlap
        if not sentence.is_warning:  # warnings list risk factors: those that the patient does not have mean nothing
            relevance -= self._foreign_weight * foreign
        return Candidate(sentence, cosine, overlap, foreign, strange, round(max(relevance, 0.0), 6), vector, nearness)

    def overlap(self, said: Said) -> float:
        """Weighted share of the question's terms that ``said`` speaks of, in [0, 1]."""
        terms = said.terms
        exact = sum(weight for term, weight in self.weights.items() if term in terms)
        others = ((term, weight) for term, weight in self._concepts.items() if term not in terms)
        return (exact + sum(weight * self.overlap_of(term, said) for term, weight in others)) / self.total

    def overlap_of(self, term: str, said: Said) -> float:
        """How far ``said`` speaks of one term of the question: 1 for the same, less for a narrower or broader one."""
        if term in said.terms:
            return 1.0
        if not term.startswith("="):
            return 0.0
        if any(form <= said.terms for form in self._words.get(term, ())):
            return 1.0
        concept = term[1:]
        if concept in said.about:
            return _NARROWER
        if said.concepts.isdisjoint(self.lexicon.ancestors(concept)):
            return 0.0
        is_parent = any(c in said.concepts and c in self._common for c in self.lexicon.parents(concept))
        return _PARENT if is_parent else _BROADER

    def _is_mined(self, term: str) -> bool:
        return term.startswith("=") and self.lexicon.kind(term[1:]) == "term"

    def strange(self, sentence: Sentence) -> frozenset[str]:
        """Key concepts of a sentence that the question has nothing to do with."""
        return frozenset(
            c for c, kind in sentence.kinds
            if kind in self._named_kinds
            and c not in self._related
            and c not in sentence.excludes
            and c not in SEXES
            and self.lexicon.ancestors(c).isdisjoint(self._near)
            and not (c.startswith(GRADES) and not self.lexicon.ancestors(c).isdisjoint(self._kin))
        )  # fmt: skip


def _forms(concept: str, query: Query) -> tuple[frozenset[str], ...]:
    """A concept that the corpus defines by an abbreviation, in words: as the question has it, and in full.

    A document that does not define it uses the words alone, and the reading of an abbreviation is a guess.
    """
    names = (concept, query.names.get(concept, concept))
    found = (frozenset(stem(t.key) for t in tokens(name) if t.key not in STOP_WORDS) for name in names)
    return tuple(form for form in dict.fromkeys(found) if form)


def passage_counts(snapshot: Snapshot, concepts: Iterable[str]) -> dict[str, int]:
    """Number of passages that mention each of ``concepts``, for those that any does."""
    return {t[1:]: df for t, df in snapshot.store.frequencies(f"={c}" for c in concepts).items()}
