"""Where sources differ: in what they advise, in the dose they give, in the outcome they found.

Two sentences disagree only when they speak of the same treatment in the same condition: a dose for Child-Pugh B is no
contradiction of one for Child-Pugh C.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rag.answer.differences import Differences, Topic
from rag.answer.headings import own_name
from rag.answer.question import Intent, Query
from rag.answer.select import Candidate
from rag.answer.sides import Sides
from rag.language.lexicon import Lexicon

#: Sentences less alike than this are about different things even if they share a drug and a condition.
_ALIKE = 0.5
#: Kinds of question on what to do, which more disagreements bear on than on a single fact.
_WIDE = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.CHOICE, Intent.EVIDENCE})
_FEW, _MOST, _MOST_POSITIONS = 2, 4, 4


class Conflict(NamedTuple):
    """A topic on which sources differ, with one sentence a source."""

    topic: str
    positions: tuple[Candidate, ...]


def conflicts(
    query: Query, shown: Sequence[Candidate], pool: Sequence[Candidate], others: Sequence[Candidate], sides: Sides
) -> list[Conflict]:
    """Disagreements about what the question asks or the article says, those first that matter most for it.

    They are among ``pool``, the sentences on the topic, and what ``others`` say of a treatment that is asked about in a
    condition of this patient.
    """
    lexicon = sides.lexicon
    relevant = [c for c in _concerned(query, pool, others, lexicon) if sides.of(c.sentence).takes_sides]
    topics: dict[Topic, list[Candidate]] = {}
    differences = Differences(query, lexicon)
    for one, other in _alike(relevant):
        topic = differences.topic(sides.of(one.sentence), sides.of(other.sentence))
        if topic and _concerns(topic, query, lexicon):
            positions = topics.setdefault(topic, [])
            positions += [c for c in (one, other) if c not in positions]
    rows = {c.record.row for c in shown}
    ranked = sorted(topics.items(), key=lambda item: (not item[0].is_advice, -sum(_two_best(item[1])), item[0]))
    found: list[Conflict] = []
    for topic, positions in _joined(ranked):
        distinct = _one_per_source(positions)
        is_said = bool(query.treatments) or any(c.record.row in rows for c in distinct)
        if is_said and not any(set(distinct) <= set(c.positions) for c in found):
            found.append(Conflict(_named(topic, query, distinct), distinct))
    return found[: _MOST if query.intent in _WIDE else _FEW]


def _concerned(
    query: Query, pool: Sequence[Candidate], others: Sequence[Candidate], lexicon: Lexicon
) -> list[Candidate]:
    """Sentences on what is asked about, by its name or that of its class."""
    asked = set(query.treatments or query.patient)
    classes = {c for t in query.treatments for c in lexicon.parents(t)}
    known = {c.record.row for c in pool}
    besides = [
        c for c in others
        if c.record.row not in known and c.speaks_of(query.focus) and c.speaks_of(query.patient)
        and c.sentence.excludes.isdisjoint(query.patient)
    ]  # fmt: skip
    on_topic = [c for c in pool if c.speaks_of(asked) or not c.sentence.concepts.isdisjoint(classes)]
    return on_topic + besides


def _concerns(topic: Topic, query: Query, lexicon: Lexicon) -> bool:
    """Whether it is about a treatment in question and a condition of this patient, where the question names them."""
    asked = query.treatments
    if asked and not any(lexicon.is_a(topic.treatment, c) or lexicon.is_a(c, topic.treatment) for c in asked):
        return False
    mine = {*topic.conditions}.union(*(lexicon.ancestors(c) for c in topic.conditions))
    if not mine.isdisjoint(query.absent):
        return False
    conditions = [c for c in query.patient if lexicon.kind(c) == "condition"]
    theirs = {*conditions}.union(*(lexicon.ancestors(c) for c in conditions))
    return not mine or not conditions or not mine.isdisjoint(theirs)


def _alike(relevant: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Pairs from different groups whose vectors are near."""
    if len(relevant) < 2:
        return []
    vectors = np.stack([c.vector for c in relevant])
    rows, columns = np.nonzero(np.triu(vectors @ vectors.T >= _ALIKE, 1))
    pairs = ((relevant[i], relevant[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True))
    return [(a, b) for a, b in pairs if a.source.key != b.source.key and not _same_group(a, b)]


def _same_group(one: Candidate, other: Candidate) -> bool:
    """Whether two papers are of the same authors and year: two analyses of one group are no disagreement."""
    mine, theirs = one.source, other.source
    return bool(mine.authors) and mine.authors[:2] == theirs.authors[:2] and mine.year == theirs.year


def _two_best(positions: Sequence[Candidate]) -> list[float]:
    return sorted((c.relevance for c in positions), reverse=True)[:2]


def _joined(
    ranked: Sequence[tuple[Topic, list[Candidate]]],
) -> list[tuple[Topic, list[Candidate]]]:
    """Topics, those on what bears on one treatment together where they share a position: one factor, measured in two
    ways.
    """
    joined: list[tuple[Topic, list[Candidate]]] = []
    for topic, positions in ranked:
        same = (p for t, p in joined if not topic.conditions and not t.conditions and t.treatment == topic.treatment)
        known = next((p for p in same if not set(p).isdisjoint(positions)), None)
        if known is None:
            joined.append((topic, list(positions)))
        else:
            known += [c for c in positions if c not in known]
    return joined


def _named(topic: Topic, query: Query, positions: Sequence[Candidate]) -> str:
    """In the words of the question: "use of IVIG in HIT and in ITP"."""
    concepts = (topic.treatment, *topic.conditions)
    treatment, *conditions = (query.names.get(c) or own_name(c, positions) for c in concepts)
    subject = f"{topic.aspect} {treatment}" if treatment else topic.aspect
    return f"{subject} in {' and in '.join(conditions)}" if conditions else subject


def _one_per_source(positions: Sequence[Candidate]) -> tuple[Candidate, ...]:
    by_source: dict[str, Candidate] = {}
    for candidate in sorted(positions, key=lambda c: (-c.relevance, c.place)):
        by_source.setdefault(candidate.source.key, candidate)
    return tuple(list(by_source.values())[:_MOST_POSITIONS])
