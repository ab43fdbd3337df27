"""From candidate sentences to the plan of an article.

Extractive and deterministic: sentences are chosen and ordered, never changed. Statements that were written to stand
alone are composed by what they do for this patient; sentences of running text by how near they come to the question.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer import curated, literature
from rag.answer.pitfalls import Warnings
from rag.answer.plans import Plan
from rag.answer.question import Query
from rag.answer.select import Candidate, is_running_text
from rag.index.encoder import Encoder
from rag.language.lexicon import Lexicon


def plan(query: Query, pool: Sequence[Candidate], lexicon: Lexicon, encoder: Encoder, warnings: Warnings) -> Plan:
    """The article for ``query`` from ``pool``, which is sorted by relevance; ``encoder`` made its vectors."""
    if is_running_text(pool):
        return literature.plan(query, pool, lexicon, encoder)
    return curated.plan(query, pool, lexicon, warnings.leading())
