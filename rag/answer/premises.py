"""Claims that a question takes for granted, held against the corpus before the question is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rag.answer.select import Candidate, Matcher, candidates
from rag.answer.sentences import Sentences
from rag.answer.verify import Verifier
from rag.domain import Filter
from rag.index.snapshot import Snapshot
from rag.language.polarity import Stance, stance
from rag.language.terms import Analyzer, is_generic
from rag.retrieve.base import Retriever

_PASSAGES = 30
_MOST_PER_PREMISE = 2
#: Only so many of the nearest sentences are held against a premise, and none that is not near.
_NEAREST, _NEAR = 12, 0.45
#: Share of a premise's terms from which a sentence that does not contradict it says the same.
_AGREES = 0.9


class Correction(NamedTuple):
    """A premise and a sentence that contradicts it."""

    premise: str
    candidate: Candidate


def corrections(
    snapshot: Snapshot, retriever: Retriever, sentences: Sentences, matcher: Matcher, verifier: Verifier,
    within: Filter | None = None,
) -> list[Correction]:  # fmt: skip
    """Contradicted premises of the question with their evidence, from sources that ``within`` passes, in its order."""
    query = matcher.query
    if not query.premises:
        return []
    lexicon = snapshot.analyzer.lexicon
    vectors = snapshot.encoder.encode(query.premises)
    found: list[Correction] = []
    for premise, vector in zip(query.premises, vectors, strict=True):
        hits = retriever.search(premise, vector, _PASSAGES, snapshot.selection(within))
        about = {c for m in lexicon.mentions(premise) for c in (m.concept, *lexicon.ancestors(m.concept))}
        pool = candidates(snapshot, sentences, matcher, vector, hits, within)
        found += _against(
            premise, [c for c in pool if c.sentence.excludes.isdisjoint(about)], verifier, snapshot.analyzer
        )
    return _distinct(found)


def _against(premise: str, pool: Sequence[Candidate], verifier: Verifier, analyzer: Analyzer) -> list[Correction]:
    """What contradicts ``premise`` among the sentences nearest to it, before one that says the same."""
    terms = {t for t in analyzer.content_terms(premise) if not is_generic(t)}
    stated, found = stance(premise), list[Correction]()
    for candidate in sorted(pool, key=lambda c: (-c.cosine, c.place))[:_NEAREST]:
        if premise.casefold() in candidate.text.casefold():
            break  # the corpus says just this
        reason = verifier.contradicts(premise, candidate.text) if candidate.cosine >= _NEAR else None
        if reason:
            found.append(Correction(premise, candidate))
        elif _agrees(terms, stated, candidate):
            break
    return found[:_MOST_PER_PREMISE]


def _agrees(terms: set[str], stated: Stance, candidate: Candidate) -> bool:
    """Whether a sentence says most of what the premise says and does not advise otherwise."""
    said = candidate.sentence.said
    shared = sum(t in said.terms or t.removeprefix("=") in said.about for t in terms)
    return bool(terms) and shared >= _AGREES * len(terms) and stated in {Stance.NEUTRAL, candidate.sentence.stance}


def _distinct(found: Sequence[Correction]) -> list[Correction]:
    by_row = {c.candidate.record.row: c for c in reversed(found)}
    return [c for c in found if by_row[c.candidate.record.row] is c]
