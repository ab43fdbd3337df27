"""An article on the page: each citation opens its quote, what is missing can be filled in, related questions asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote as quoted
from urllib.parse import urlencode

from markupsafe import Markup

from api.page.forms import UNITS
from api.page.looks import markup, rendered
from rag.domain import Answer, Disagreement, Evidence, Needed, Position, Reference, Statement, Verdict
from rag.render import words
from rag.render.html import Article, link, listed, section, text

#: What stands beside a statement that is not simply supported; of others the mark says it to who looks for it.
_VERDICTS: Final = {
    Verdict.SUPPORTED: "Supported by its quote", Verdict.PARTIAL: "Partly supported",
    Verdict.UNSUPPORTED: "Not supported", Verdict.CONTRADICTED: "Contradicted",
}  # fmt: skip
_ORIGINS: Final = {"quoted": "", "generated": ", worded by the language model"}
_FORMS: Final = (("ris", "RIS"), ("bib", "BibTeX"), ("json", "CSL-JSON"), ("txt", "Vancouver"))


class PageArticle(Article):
    """The article of a kept answer.

    Args:
        place: tells apart the articles of one page, whose statements may be the same.
        may_ask: whether there is somebody to ask on.
    """

    def __init__(self, answer: Answer, place: str = "a", *, may_ask: bool = True) -> None:
        super().__init__(answer)
        self.place = place
        self.may_ask = may_ask
        self._count = 0

    def statement(self, statement: Statement, label: str = "") -> str:
        """One line; its quotes open from its marks."""
        self._count += 1
        sources = " ".join(str(n) for n in statement.citations)
        kind = f"{statement.verdict} {statement.origin}"
        said = f'<span class="verdict {kind}" title="{text(self._verdict(statement))}"></span>'
        return (
            f'<p class="statement" id="{self.place}-s{self._count}" tabindex="-1" data-sources="{sources}" '
            f'data-statement="{text(statement.statement_id)}">{said}{self.sentence(statement, label)}</p>'
        )

    def _verdict(self, statement: Statement) -> str:
        origin = _ORIGINS.get(statement.origin, f", {statement.origin}")
        return f"{_VERDICTS[statement.verdict]}{origin}"

    def citation(self, number: int, statement: Statement) -> str:
        """Leads to the passage with the quote; the page opens it under the line."""
        reference = next(r for r in self.answer.references if r.number == number)
        evidence = next((e for e in statement.evidence if e.source_id == reference.source_id), statement.evidence[0])
        label = f"Source {number}: {words.short(reference)}. Opens the quote"
        return (
            f'<a class="cite" href="{text(passage_address(evidence))}" data-source="{number}" '
            f'aria-label="{text(label)}">{words.mark(number)}</a>'
        )

    def mark(self, number: int) -> str:
        href = f"#{self.place}-{words.anchor(number)}"
        return f'<a class="cite" href="{href}" aria-label="Reference {number}">{words.mark(number)}</a>'

    def position(self, found: Position) -> str:
        """Side by side, each with who holds it."""
        who = text(words.holder(found, self.answer.references))
        where = f'<span class="soft">{text(words.place_and_year(found))}</span>'
        return f'<div class="position"><h4>{who} {where}</h4>\n{self.statement(found.statement)}</div>'

    def disagreement(self, found: Disagreement) -> str:
        both = "\n".join(map(self.position, found.positions))
        return f'<h3>{text(found.topic)}</h3>\n<div class="positions">\n{both}\n</div>'

    def variable(self, needed: Needed) -> Iterator[str]:
        """With a short form that asks again with the value."""
        yield from super().variable(needed)
        if self.may_ask:
            yield self._form("needed", needed=needed)

    def related(self) -> Iterator[str]:
        if self.answer.related_questions and self.may_ask:
            forms = (self._form("related", question=question) for question in self.answer.related_questions)
            yield section(words.RELATED, [listed(forms)], "related")
        else:
            yield from super().related()

    def references(self) -> Iterator[str]:
        if self.answer.references:
            address = f"/answers/{self.answer.answer_id}/references."
            forms = " ".join(f'<a href="{address}{form}" download>{name}</a>' for form, name in _FORMS)
            copy = f'<button type="button" class="quiet" data-copy="{address}txt" hidden>Copy</button>'
            items = map(self.reference, self.answer.references)
            tools = f'<p class="tools soft">Download: {forms} {copy}</p>'
            yield section(words.REFERENCES, ["<ol>", *items, "</ol>", tools], "references")

    def reference(self, reference: Reference) -> str:
        cited = "".join(link(shown, url) for shown, url in words.linked(reference))
        note = text(words.details(reference, self.answer.references))
        place = f'id="{self.place}-{words.anchor(reference.number)}" value="{reference.number}"'
        own = f'<a href="/sources/{quoted(reference.source_id)}">passages</a>'
        return f'<li {place} data-source="{reference.number}">{cited}<br><span class="soft">{note} · {own}</span></li>'

    def head(self) -> str:
        return rendered("article_head", answer=self.answer)

    def foot(self) -> str:
        return rendered("article_foot", answer=self.answer)

    def _form(self, name: str, **what: object) -> str:
        return rendered(f"form_{name}", answer=self.answer, place=self.place, units=UNITS, **what)


def passage_address(evidence: Evidence) -> str:
    return address_of(evidence.passage_id, evidence.start, evidence.end)


def address_of(passage_id: str, start: int, end: int) -> str:
    """A passage with a quote of it marked."""
    return f"/passages/{quoted(passage_id)}?{urlencode({'start': start, 'end': end})}"


def shown(answer: Answer, place: str = "a", *, may_ask: bool = True) -> Markup:
    """The whole article."""
    return markup(str(PageArticle(answer, place, may_ask=may_ask)))
