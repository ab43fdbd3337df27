"""An Osler answer as a response: what it says and what it cites. The same in process and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from eval.domain import Article, Item, Listed, Outcome, Part, Response, Said, Usage
from eval.systems.reading import label_of
from rag.domain import Answer, Statement
from rag.errors import InputError
from rag.render import words
from rag.render.markdown import to_markdown


def read_answer(raw: object) -> Answer:
    """An answer from its JSON. Fields of a newer version are ignored, as ``docs/answer.md`` asks of a reader.

    Raises:
        InputError: it is no answer; says where.
    """
    try:
        return Answer.model_validate(raw, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "answer"
        raise InputError(f"answer: {where}: {first['msg']}; expected the JSON of docs/answer.md") from None


def response_of(answer: Answer, item: Item, seconds: float | None = None) -> Response:
    """The response that an answer is.

    Said is what statements say: bottom line, sections, positions of a disagreement, branches of what is needed. Notes
    on gaps and nearest passages are in ``text`` alone. ``label`` is its decision, "maybe" for one that is neither yes
    nor no; where it has none, it is read from the words of the bottom line, as of every system.
    """
    article = article_of(answer)
    facts = answer.receipt.model_dump(mode="json", exclude={"timings_ms"})
    return Response(
        item_id=item.item_id,
        outcome=Outcome(answer.outcome.value),
        text=to_markdown(answer, marks="linked"),
        article=article,
        label=_label(answer, item, article),
        confidence=confidence(answer),
        corrections=tuple(s.correction_of for s in answer.statements() if s.correction_of),
        timings_ms=answer.receipt.timings_ms,
        usage=usage_of(answer),
        seconds=seconds,
        receipt={"answer_id": answer.answer_id, **facts},
    )


def usage_of(answer: Answer) -> Usage | None:
    """Tokens of the language model that worded it; None without one, or where its server does not count them."""
    wording = answer.receipt.wording
    if wording is None or wording.completion_tokens is None:
        return None
    return Usage(prompt=wording.prompt_tokens or 0, completion=wording.completion_tokens)


def _label(answer: Answer, item: Item, article: Article) -> str | None:
    if answer.decision and not item.gold.options:
        return answer.decision.value if answer.decision.value in ("yes", "no") else "maybe"
    return label_of(item, "\n".join(said.text for said in article.bottom_line), article.text())


def article_of(answer: Answer) -> Article:
    """What an answer says and lists, without the notes around it."""
    return Article(
        title=answer.title,
        bottom_line=_said(answer.bottom_line),
        parts=tuple(_parts(answer)),
        references=tuple(_references(answer)),
        related_questions=answer.related_questions,
        disclaimer=answer.disclaimer,
    )


def confidence(answer: Answer) -> float | None:
    """How well the best evidence of the bottom line fits the question, in [0, 1]; 0 when it abstained.

    A proxy: an answer has no figure for how sure it is. ``support`` is 1 for quoted words, right or not, and says
    nothing here; ``score`` is cosine and overlap of the sentence with the question, made to order the sentences of one
    answer, so that between answers it orders by how directly a source speaks to the question. On the project's own
    questions it told the 88 answered ones that can be answered from the 10 that cannot with an area under the ROC curve
    of 0.74. A question that was redirected was not judged: None.
    """
    if answer.outcome.value == Outcome.REDIRECTED:
        return None
    scores = [evidence.score for statement in answer.bottom_line for evidence in statement.evidence]
    return min(max(scores, default=0.0), 1.0)


def _parts(answer: Answer) -> Iterator[Part]:
    for section in answer.sections:
        yield Part(heading=section.heading, said=_said(section.statements))
    for disagreement in answer.disagreements:
        positions = _said([position.statement for position in disagreement.positions])
        yield Part(heading=f"{words.DISAGREEMENTS}: {disagreement.topic}", said=positions)
    for needed in answer.needed:
        if needed.branches:
            heading = f"{words.needed_heading(answer)}: {needed.variable}"
            yield Part(heading=heading, said=_said([branch.statement for branch in needed.branches]))


def _said(statements: Sequence[Statement]) -> tuple[Said, ...]:
    return tuple(
        Said(text=s.text, citations=s.citations, quotes=tuple(dict.fromkeys(e.quote for e in s.evidence)))
        for s in statements
    )


def _references(answer: Answer) -> Iterator[Listed]:
    """The reference list, each with the words that the answer quotes of it."""
    quotes: Mapping[str, dict[str, None]] = {reference.source_id: {} for reference in answer.references}
    for statement in answer.statements():
        for evidence in statement.evidence:
            quotes.get(evidence.source_id, {})[evidence.quote] = None
    for reference in answer.references:
        yield Listed(number=reference.number, text=reference.vancouver, quotes=tuple(quotes[reference.source_id]))


def is_answer_json(raw: Any) -> bool:
    """Whether ``raw`` means to be an Osler answer."""
    return isinstance(raw, dict) and "bottom_line" in raw and "outcome" in raw
