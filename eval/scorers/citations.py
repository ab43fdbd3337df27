"""Whether the citations of an answer support its statements: ALCE's recall and precision, with a judge on the quotes.

The quotes of a statement are those that came with it, else those of the references that it cites. Nobody can judge a
citation whose source has no text: a statement all of whose sources have none is left out, and where that goes for
every cited statement the answer is *unscored*. A number that the reference list does not have leads nowhere and
supports nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eval.article import answered
from eval.domain import Article, Item, Response, Said, Score, Scores, unscored
from eval.judges.base import Judge
from eval.measures import citations

NAMES = ("citation_recall", "citation_precision", "unsupported_statements", "unsupported_share")


class _Statement(NamedTuple):
    """``passages`` has one entry for each citation: its text, or None where it leads nowhere."""

    said: Said
    passages: tuple[str | None, ...]
    is_checkable: bool


def citation_scores(item: Item, response: Response, judge: Judge) -> Scores:
    """Citation recall and precision, and the statements that nothing supports, as a count and as a share.

    A statement without a citation is not recalled. An answer that says nothing is unscored.
    """
    article = answered(response)
    statements = [_statement(said, article) for said in article.said()]
    if not statements:
        return {name: unscored("nothing was said that could be cited") for name in NAMES}
    checked = [s for s in statements if s.is_checkable]
    left_out = [s.said.text for s in statements if not s.is_checkable]
    if left_out and not any(s.said.citations for s in checked):
        return {name: unscored("none of the cited sources came with text to check against") for name in NAMES}
    found = citations.answer([(s.said.text, s.passages) for s in checked], _entails(judge))
    details = {"statements": [_row(s, c) for s, c in zip(checked, found.statements, strict=True)]}
    beside = {"not_checked": left_out} if left_out else {}
    unsupported = [s.said.text for s, c in zip(checked, found.statements, strict=True) if not c.recalled]
    share = len(unsupported) / len(checked)
    has_citations = any(s.passages for s in checked)
    return {
        "citation_recall": _score(found.recall, details | beside),
        "citation_precision": _score(found.precision, beside) if has_citations else unscored("no citations"),
        "unsupported_statements": _score(float(len(unsupported)), {"unsupported": unsupported, **beside}),
        "unsupported_share": _score(share, beside),
    }


def checked_score(response: Response) -> Scores:
    """``citations_checked``: a statement whose sources came without text is in no other score of citations."""
    article = answered(response)
    statements = [_statement(said, article) for said in article.said()]
    if not statements:
        return {"citations_checked": unscored("nothing was said that could be cited")}
    left_out = [s.said.text for s in statements if not s.is_checkable]
    share = 1 - len(left_out) / len(statements)
    return {"citations_checked": Score(value=share, details={"not_checked": left_out} if left_out else {})}


def _score(value: float | None, details: dict[str, Any]) -> Score:
    return Score(value=value, reason="" if value is not None else "nothing to score", details=details)


def _statement(said: Said, article: Article) -> _Statement:
    """Where a statement brings its own quotes and their number is that of its citations, each belongs to one.

    Quotes of no reference are no citations: nobody can look them up.
    """
    if said.quotes and said.citations:
        if len(said.quotes) == len(said.citations):
            return _Statement(said, said.quotes, True)
        return _Statement(said, ("\n".join(said.quotes),), True)
    texts = {listed.number: "\n".join(listed.quotes) for listed in article.references}
    # A source without a text is left out of what can be checked; a number that is not in the list leads nowhere.
    shown = [n for n in said.citations if texts.get(n) or (texts and n not in texts)]
    return _Statement(said, tuple(texts.get(n) for n in shown), bool(shown) or not said.citations)


def _entails(judge: Judge) -> citations.Entails:
    def entails(passages: Sequence[str], claim: str) -> bool:
        return judge.judge(claim, passages).label == "entailed"

    return entails


def _row(statement: _Statement, cited: citations.Cited) -> dict[str, Any]:
    return {
        "text": statement.said.text,
        "citations": list(statement.said.citations),
        "recalled": cited.recalled,
        "precise": list(cited.precise),
        "quotes": list(statement.passages),
    }
