"""Prose as a response: what is read of it is read in the same way, whoever wrote it and however it came."""

from __future__ import annotations

from eval.article import parse
from eval.article_blocks import Form
from eval.domain import Item, Outcome, Response
from eval.systems.base import failed
from eval.systems.reading import label_of, refuses


def response_of_prose(item: Item, text: str, form: Form | None = None) -> Response:
    """Failed when it is empty; abstained when it says that it does not answer (see ``reading.refuses``).

    ``form`` is guessed where it is None.
    """
    if not text.strip():
        return failed(item, "the answer is empty")
    article = parse(text, form)
    bottom_line = "\n".join(said.text for said in article.bottom_line)
    return Response(
        item_id=item.item_id,
        outcome=Outcome.ABSTAINED if refuses(bottom_line) or refuses(text) else Outcome.ANSWERED,
        text=text,
        article=article,
        label=label_of(item, bottom_line, text),
    )
