"""Claims that a question takes for granted, held against the corpus before the question is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rag.answer.select import Candidate, Matcher, candidates
from rag.answer.sentences import Sentences
from rag.answer.verify import Verifier
from rag.index.snapshot import Snapshot
from rag.retrieve.hybrid import retrieve

_PASSAGES = 30
_MOST_PER_PREMISE = 2


class Correction(NamedTuple):
    """A premise that evidence contradicts; ``reason`` says in what."""

    premise: str
    candidate: Candidate
    reason: str


def corrections(snapshot: Snapshot, sentences: Sentences, matcher: Matcher, verifier: Verifier) -> list[Correction]:
    """Contradicted premises of the question with their evidence, in the order of the question."""
    query = matcher.query
    if not query.premises:
        return []
    vectors = snapshot.encoder.encode(query.premises)
    found: list[Correction] = []
    for premise, vector in zip(query.premises, vectors, strict=True):
        hits = retrieve(snapshot, premise, vector, _PASSAGES)
        found += _against(premise, candidates(snapshot, sentences, matcher, vector, hits), verifier)
    return _distinct(found)


def _against(premise: str, pool: Sequence[Candidate], verifier: Verifier) -> list[Correction]:
    nearest = sorted(pool, key=lambda c: (-c.cosine, c.record.row))
    found = []
    for candidate in nearest:
        reason = verifier.contradicts(premise, candidate.text)
        if reason:
            found.append(Correction(premise, candidate, f"{reason.kind}: {reason.detail}"))
    return found[:_MOST_PER_PREMISE]


def _distinct(found: Sequence[Correction]) -> list[Correction]:
    by_row = {c.candidate.record.row: c for c in reversed(found)}
    return [c for c in found if by_row[c.candidate.record.row] is c]
