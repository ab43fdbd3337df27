"""Claims that a question takes for granted, held against the corpus before the question is answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.answer.presuppositions import Claim
from rag.answer.question import TREATMENTS, Query
from rag.answer.refutations import Refuter
from rag.answer.select import Candidate, Matcher, candidates
from rag.answer.sentences import Sentences
from rag.answer.sides import Sides
from rag.answer.verify import Verifier
from rag.domain import Filter, Verdict
from rag.index.snapshot import Snapshot
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance, stance
from rag.language.quantities import quantities
from rag.retrieve.base import Retriever

_PASSAGES = 30
_MOST_PER_PREMISE = 2
#: Only so many of the nearest sentences are held against a premise, and none that is not near.
_NEAREST, _NEAR = 12, 0.35
#: A second sentence that contradicts a premise must be as near as this share of the first.
_NEXT = 0.9
#: Share of a premise's terms from which a sentence that does not contradict it says the same.
_AGREES = 0.9
#: A premise that is this near to a sentence and shares this much of its words is that sentence, altered or not.
_ALIKE, _NEARLY_ALL = 0.8, 0.75
_MEASURES = frozenset({"number", "unit", "comparator"})
_PRONOUN = re.compile(r"^(?:they|it|that|this|these|those)\b", re.IGNORECASE)
#: What a pronoun may stand for.
_STOOD_FOR = TREATMENTS | {"test"}


class Correction(NamedTuple):
    """A premise and a sentence that contradicts it."""

    premise: str
    candidate: Candidate


def corrections(
    snapshot: Snapshot, retriever: Retriever, sentences: Sentences, matcher: Matcher, verifier: Verifier, sides: Sides,
    within: Filter | None = None,
) -> list[Correction]:  # fmt: skip
    """Contradicted premises of the question with their evidence, from sources that ``within`` passes, in its order."""
    query = matcher.query
    if not query.premises:
        return []
    lexicon, refuter = snapshot.analyzer.lexicon, Refuter(query, snapshot.analyzer, sides)
    plain = [resolved(premise, query, lexicon) for premise in query.premises]
    vectors = snapshot.encoder.encode(plain)
    found: list[Correction] = []
    for premise, said, vector in zip(query.premises, plain, vectors, strict=True):
        hits = retriever.search(said, vector, _PASSAGES, snapshot.selection(within))
        claim = refuter.claim(said)
        about = {c for m in claim.mentions for c in (m.concept, *lexicon.ancestors(m.concept))}
        pool = candidates(snapshot, sentences, matcher, vector, hits, within)
        apt = [c for c in pool if c.sentence.excludes.isdisjoint(about)]
        found += [Correction(premise, c) for c in _against(claim, apt, verifier, refuter)]
    return _distinct(found)


def resolved(premise: str, query: Query, lexicon: Lexicon) -> str:
    """``premise`` with a pronoun that it begins with replaced by the treatment or test that the question names last
    before it; as it is where there is none.
    """
    pronoun = _PRONOUN.match(premise)
    if not pronoun:
        return premise
    before = query.text[: max(query.text.find(premise), 0)]
    named = [before[m.start : m.end] for m in lexicon.mentions(before) if m.kind in _STOOD_FOR]
    return f"{named[-1]} {premise[pronoun.end() :].strip()}" if named else premise


def _against(claim: Claim, pool: Sequence[Candidate], verifier: Verifier, refuter: Refuter) -> list[Candidate]:
    """What contradicts a premise among the sentences nearest to it, before one that says the same; those that deny
    it outright come first, then those by whose office it is to advise, then those that name its conditions.
    """
    stated = Stance.FOR if claim.permits else stance(claim.text)
    is_told, found = bool(claim.forbids) or refuter.is_of_amount(claim), list[Candidate]()
    ordered = sorted(pool, key=lambda c: (-c.cosine, c.place))
    nearest = [*ordered[:_NEAREST], *(c for c in ordered[_NEAREST:] if refuter.is_allowed(claim, c))]
    if any(refuter.says_so(claim, c) for c in nearest):
        return []  # one body forbids it: where others allow it, they differ
    for candidate in nearest:
        if claim.text.casefold() in candidate.text.casefold():
            break  # the corpus says just this
        is_denied = refuter.is_allowed(claim, candidate)
        is_near = candidate.cosine >= (_NEXT * found[0].cosine if found and not is_denied else _NEAR)
        if is_near and (
            refuter.refutes(claim, candidate)
            or _misquotes(claim, candidate, verifier)
            # Of what is forbidden, or of less for an organ's sake, the refuter reads more than words.
            or (not is_told and verifier.contradicts(claim.text, candidate.text))
        ):
            found.append(candidate)
        elif not claim.forbids and _agrees(claim, stated, candidate):
            if claim.permits and not refuter.is_of(claim, candidate):
                continue  # it permits it in another condition
            break
    found.sort(
        key=lambda c: (
            not refuter.is_allowed(claim, c),
            not c.source.evidence_type.is_normative,
            not c.speaks_of(claim.conditions),
        )
    )
    return found[:_MOST_PER_PREMISE]


def _misquotes(claim: Claim, candidate: Candidate, verifier: Verifier) -> bool:
    """Whether a premise is a sentence with another number, unit or negation: alike in all else.

    To say less than the sentence says is no misquotation, nor is a number without its unit.
    """
    if candidate.cosine < _ALIKE or _shared(claim, candidate) < _NEARLY_ALL:
        return False
    found = verifier.verify(claim.text, [candidate.text], strength=candidate.passage.strength)
    if found.verdict is not Verdict.CONTRADICTED:
        return False
    altered = {r.kind for r in found.reasons if not r.detail.startswith("deleted")}
    is_measured = all(q.unit for q in quantities(claim.text))
    return "negation" in altered or (is_measured and not altered.isdisjoint(_MEASURES))


def _agrees(claim: Claim, stated: Stance, candidate: Candidate) -> bool:
    """Whether a sentence says most of what the premise says and does not advise otherwise, for the same country."""
    if claim.places and candidate.source.jurisdiction not in claim.places:
        return False
    return _shared(claim, candidate) >= _AGREES and stated in {Stance.NEUTRAL, candidate.sentence.stance}


def _shared(claim: Claim, candidate: Candidate) -> float:
    """Share of a premise's terms of which a sentence speaks; 0 for a premise without any."""
    terms, said = claim.terms, candidate.sentence.said
    shared = sum(t in said.terms or t.removeprefix("=") in said.about for t in terms)
    return shared / len(terms) if terms else 0.0


def _distinct(found: Sequence[Correction]) -> list[Correction]:
    by_row = {c.candidate.record.row: c for c in reversed(found)}
    return [c for c in found if by_row[c.candidate.record.row] is c]
