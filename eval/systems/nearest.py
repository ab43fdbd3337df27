"""The simplest answerer there is: the passages nearest to the question, one after the other, up to a length.

No measure means much without it. A product that chooses, orders, verifies and abstains must be better than this at the
same length, or say in what else it is better.
"""

from __future__ import annotations

import time
from typing import Any

from eval.domain import Article, Item, Listed, Outcome, Part, Response, Said
from eval.systems.osler import facts
from rag.domain import Passage, Source
from rag.pipeline import Pipeline

_PASSAGES = 100


class NearestPassages:
    """The first passage is the bottom line; it never abstains, whatever it is asked.

    Args:
        pipeline: gives the snapshot and how it is searched. Closing the system closes it.
        words: no passage is added that would make the answer longer, but for the first.
    """

    def __init__(self, pipeline: Pipeline, words: int = 300) -> None:
        self._pipeline, self._words = pipeline, words
        self.name = f"nearest {words} words"

    def receipt(self) -> dict[str, Any]:
        return {**facts(self._pipeline), "words": self._words}

    def respond(self, item: Item) -> Response:
        started = time.perf_counter()
        found = self._pipeline.search(item.question, _PASSAGES)
        article = self._article([(passage, source) for _, passage, source in found])
        return Response(
            item_id=item.item_id,
            outcome=Outcome.ANSWERED,
            text=article.text(),
            article=article,
            confidence=min(max(found[0][0].score, 0.0), 1.0) if found else 0.0,
            seconds=time.perf_counter() - started,
        )

    def close(self) -> None:
        self._pipeline.close()

    def _article(self, found: list[tuple[Passage, Source]]) -> Article:
        said: list[Said] = []
        references: dict[str, Listed] = {}
        words = 0
        for passage, source in found:
            words += len(passage.text.split())
            if said and words > self._words:
                break
            listed = references.setdefault(source.key, Listed(number=len(references) + 1, text=source.title))
            said.append(Said(text=passage.text, citations=(listed.number,), quotes=(passage.text,)))
        parts = (Part(heading="", said=tuple(said[1:])),) if said[1:] else ()
        return Article(bottom_line=tuple(said[:1]), parts=parts, references=tuple(references.values()))
