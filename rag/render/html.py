"""An answer as HTML: an article for a page of its own, or one self-contained file without scripts.

Every string of an answer passes ``html.escape``; only http and https addresses become links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from rag.domain import (
    Answer,
    Branch,
    Disagreement,
    Evidence,
    GlossaryEntry,
    Needed,
    Position,
    Reference,
    Section,
    Statement,
)
from rag.render import words

_STYLE = """
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#57606a;--rule:#d5dae0;--link:#0b5cad;--tint:#f0f6fc}
@media(prefers-color-scheme:dark){
:root{--page:#14171b;--ink:#e6e9ed;--soft:#a3adb8;--rule:#363d46;--link:#79b8ff;--tint:#1b2530}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif;overflow-wrap:break-word}
article{max-width:44rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1.25rem;line-height:1.3;margin:2.25rem 0 .5rem}
h3{font-size:1.0625rem;margin:1.25rem 0 .25rem}
p{margin:.25rem 0}
ul,ol{margin:.5rem 0;padding-left:1.5rem}
li{margin:.6rem 0}
a{color:var(--link)}
a:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.soft,.note,figcaption,summary,footer{color:var(--soft);font-size:.9rem}
.note{font-style:italic}
.cite{font-size:.85em;text-decoration:none;white-space:nowrap}
.cite:hover{text-decoration:underline}
.bottom-line{background:var(--tint);border-left:4px solid var(--link);margin:1.5rem 0;padding:.75rem 1.25rem}
.bottom-line h2{margin:0}
.bottom-line .statement{font-size:1.125rem;margin:.5rem 0}
details{margin:.15rem 0 .5rem}
summary{cursor:pointer;width:fit-content}
figure{margin:.5rem 0 .75rem}
blockquote{margin:0;padding:.1rem 0 .1rem 1rem;border-left:3px solid var(--rule);white-space:pre-line}
figcaption{padding-left:1.2rem}
table{border-collapse:collapse;width:100%;margin:.75rem 0}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.5rem .75rem .5rem 0;border-top:1px solid var(--rule)}
thead th{font-size:.9rem;color:var(--soft);font-weight:600;border-top:0}
tbody th{font-weight:600;width:28%}
dt{font-weight:600;margin-top:.5rem}
dd{margin:0}
:target{background:var(--tint);outline:4px solid var(--tint)}
footer{border-top:1px solid var(--rule);margin-top:2.5rem;padding-top:.75rem}
@media(max-width:34rem){
thead{display:none}
tr{display:block;border-top:1px solid var(--rule);padding:.5rem 0}
tbody th,td{display:block;width:auto;border:0;padding:0}}
@media print{
:root{--page:#fff;--ink:#000;--soft:#333;--rule:#999;--link:#000;--tint:#fff}
body{font-size:10.5pt}
article{max-width:none;padding:0}
h2,h3,caption{break-after:avoid}
li,tr,figure,.bottom-line{break-inside:avoid}
details:not([open]){display:none}}
"""


def to_html(answer: Answer, *, quotes: bool = False) -> str:
    """Render an answer as a complete page in UTF-8; citations and evidence work without scripts.

    Args:
        quotes: Evidence is unfolded, so that it is printed too.
    """
    body = str(Article(answer)).replace("<details>", "<details open>" if quotes else "<details>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(words.one_line(answer.title))}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def text(shown: str) -> str:
    """A string of an answer as text, in an element or a quoted attribute."""
    return escape(words.printable(shown), quote=True)


def link(shown: str, url: str | None) -> str:
    return f'<a href="{text(url)}" rel="noopener noreferrer">{text(shown)}</a>' if url else text(shown)


def section(heading: str, body: Iterable[str], css_class: str = "") -> str:
    opening = f'<section class="{css_class}">' if css_class else "<section>"
    return "\n".join([opening, f"<h2>{text(heading)}</h2>", *body, "</section>"])


def listed(items: Iterable[str]) -> str:
    return "\n".join(["<ul>", *(f"<li>{item}</li>" for item in items), "</ul>"])


class Article:
    """The article of an answer, part by part. A page that does more with some of its parts overrides them."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __str__(self) -> str:
        return "\n".join(["<article>", *self.parts(), "</article>"])

    def parts(self) -> Iterator[str]:
        """The head, each section and the foot, in the order in which they are read."""
        yield self.head()
        yield from self.bottom_line()
        yield from map(self.section, self.answer.sections)
        for part in (self.disagreements, self.needed, self.gaps, self.withheld, self.nearest, self.references,
                     self.related, self.glossary):  # fmt: skip
            yield from part()
        yield self.foot()

    def head(self) -> str:
        answer = self.answer
        lines = ["<header>", f"<h1>{text(answer.title)}</h1>"]
        if words.one_line(answer.question) != words.one_line(answer.title):
            lines.append(f"<p><strong>Question:</strong> {text(answer.question)}</p>")
        if told := words.follow_up(answer):
            lines.append(f'<p class="soft">{text(told)}</p>')
        if answer.readings:
            lines.append(f"<p>{text(words.readings(answer))}</p>")
        lines.append(f'<p class="soft">{text(words.status(answer))}</p>')
        if answer.reason:
            lines.append(f"<p><strong>Reason:</strong> {text(answer.reason)}</p>")
        if told := words.wording(answer):
            lines.append(f'<p class="soft">{text(told)}</p>')
        return "\n".join([*lines, "</header>"])

    def bottom_line(self) -> Iterator[str]:
        if self.answer.bottom_line:
            yield section(words.BOTTOM_LINE, map(self.statement, self.answer.bottom_line), "bottom-line")

    def section(self, part: Section) -> str:
        return section(part.heading, [listed(map(self.statement, part.statements))])

    def statement(self, statement: Statement, label: str = "") -> str:
        """The sentence with its citations, and its quotes folded under it."""
        figures = "\n".join(map(self.quote, statement.evidence))
        folded = f"<details><summary>{words.evidence(statement)}</summary>\n{figures}\n</details>"
        return f'<p class="statement">{self.sentence(statement, label)}</p>\n{folded}'

    def sentence(self, statement: Statement, label: str = "") -> str:
        cites = " ".join(self.citation(number, statement) for number in statement.citations)
        note = words.qualifier(statement)
        shown = f' <span class="note">({text(note)})</span>' if note else ""
        return f"{label}{text(statement.shown)} {cites}{shown}"

    def citation(self, number: int, _: Statement) -> str:
        """A mark of a statement; here it leads to the list of references, elsewhere it may open the quote."""
        return self.mark(number)

    def mark(self, number: int) -> str:
        href, mark = words.anchor(number), words.mark(number)
        return f'<a class="cite" href="#{href}" aria-label="Reference {number}">{mark}</a>'

    def quote(self, evidence: Evidence) -> str:
        source = words.cited(evidence, self.answer.references)
        where = ", ".join(filter(None, [words.locator(evidence), source.title if source else evidence.source_id]))
        caption = text(where) + (f" {self.mark(source.number)}" if source else "")
        quoted = f"<blockquote>{text(evidence.quote)}</blockquote>"
        return f"<figure>\n{quoted}\n<figcaption>{caption}</figcaption>\n</figure>"

    def disagreements(self) -> Iterator[str]:
        if self.answer.disagreements:
            yield section(words.DISAGREEMENTS, map(self.disagreement, self.answer.disagreements))

    def disagreement(self, found: Disagreement) -> str:
        rows = "\n".join(map(self.position, found.positions))
        head = '<tr><th scope="col">Source</th><th scope="col">What it says</th></tr>'
        caption = f"<caption>{text(found.topic)}</caption>"
        return f"<table>\n{caption}\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"

    def position(self, found: Position) -> str:
        who = text(words.holder(found, self.answer.references))
        where = f'<br><span class="soft">{text(words.place_and_year(found))}</span>'
        return f'<tr>\n<th scope="row">{who}{where}</th>\n<td>{self.statement(found.statement)}</td>\n</tr>'

    def needed(self) -> Iterator[str]:
        if self.answer.needed:
            parts = (part for needed in self.answer.needed for part in self.variable(needed))
            yield section(words.needed_heading(self.answer), parts)

    def variable(self, needed: Needed) -> Iterator[str]:
        yield f"<h3>{text(needed.variable)}</h3>"
        yield f"<p>{text(needed.why)}</p>"
        if needed.branches:
            yield listed(map(self.branch, needed.branches))

    def branch(self, branch: Branch) -> str:
        note = f'\n<p class="soft">{text(branch.note)}</p>' if branch.note else ""
        return self.statement(branch.statement, f"<strong>{text(branch.value)}:</strong> ") + note

    def gaps(self) -> Iterator[str]:
        if self.answer.gaps:
            items = (f"<strong>{text(gap.aspect)}:</strong> {text(gap.reason)}" for gap in self.answer.gaps)
            yield section(words.GAPS, [listed(items)])

    def withheld(self) -> Iterator[str]:
        if self.answer.withheld:
            items = (f"<strong>{text(p.heading)}:</strong> {text(words.withheld(p))}" for p in self.answer.withheld)
            yield section(words.WITHHELD, [listed(items)])

    def nearest(self) -> Iterator[str]:
        if self.answer.nearest:
            yield section(words.NEAREST, map(self.quote, self.answer.nearest))

    def references(self) -> Iterator[str]:
        if self.answer.references:
            yield section(words.REFERENCES, ["<ol>", *map(self.reference, self.answer.references), "</ol>"])

    def reference(self, reference: Reference) -> str:
        cited = "".join(link(shown, url) for shown, url in words.linked(reference))
        note = text(words.details(reference, self.answer.references))
        place = f'id="{words.anchor(reference.number)}" value="{reference.number}"'
        return f'<li {place}>{cited}<br><span class="soft">{note}</span></li>'

    def related(self) -> Iterator[str]:
        if self.answer.related_questions:
            yield section(words.RELATED, [listed(map(text, self.answer.related_questions))])

    def glossary(self) -> Iterator[str]:
        for heading, entries in words.glossaries(self.answer):
            yield section(heading, ["<dl>", *map(self.entry, entries), "</dl>"])

    def entry(self, entry: GlossaryEntry) -> str:
        said = f"{text(words.meaning(entry))} {' '.join(map(self.mark, entry.citations))}".rstrip()
        if entry.evidence:
            said += f"\n<details><summary>{words.EVIDENCE}</summary>\n{self.quote(entry.evidence)}\n</details>"
        return f"<dt>{text(entry.term)}</dt><dd>{said}</dd>"

    def foot(self) -> str:
        answer = self.answer
        return f"<footer>\n<p>{text(answer.disclaimer)}</p>\n<p>{text(words.receipt_line(answer))}</p>\n</footer>"
