"""An answer as one self-contained HTML page: no scripts, nothing to load, readable on screen and on paper.

Every string of an answer passes ``html.escape``; only http and https addresses become links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape as escape_markup

from rag.domain import Answer, Disagreement, Evidence, GlossaryEntry, Needed, Position, Reference, Statement
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
    body = article(answer).replace("<details>", "<details open>" if quotes else "<details>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(words.one_line(answer.title))}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def article(answer: Answer) -> str:
    """Only the ``<article>`` of the page, for a page that has its own style."""
    parts = [_head(answer), *_bottom_line(answer), *_sections(answer), *_disagreements(answer), *_needed(answer)]
    parts += [
        *_gaps(answer),
        *_withheld(answer),
        *_nearest(answer),
        *_references(answer),
        *_related(answer),
        *_glossary(answer),
    ]
    return "\n".join(["<article>", *parts, _foot(answer), "</article>"])


def _text(text: str) -> str:
    return escape_markup(words.printable(text), quote=True)


def _link(text: str, url: str | None) -> str:
    return f'<a href="{_text(url)}" rel="noopener noreferrer">{_text(text)}</a>' if url else _text(text)


def _section(heading: str, body: Iterable[str], css_class: str = "") -> str:
    opening = f'<section class="{css_class}">' if css_class else "<section>"
    return "\n".join([opening, f"<h2>{_text(heading)}</h2>", *body, "</section>"])


def _list(items: Iterable[str]) -> str:
    return "\n".join(["<ul>", *(f"<li>{item}</li>" for item in items), "</ul>"])


def _head(answer: Answer) -> str:
    lines = ["<header>", f"<h1>{_text(answer.title)}</h1>"]
    if words.one_line(answer.question) != words.one_line(answer.title):
        lines.append(f"<p><strong>Question:</strong> {_text(answer.question)}</p>")
    if told := words.follow_up(answer):
        lines.append(f'<p class="soft">{_text(told)}</p>')
    if answer.readings:
        lines.append(f"<p>{_text(words.readings(answer))}</p>")
    lines.append(f'<p class="soft">{_text(words.status(answer))}</p>')
    if answer.reason:
        lines.append(f"<p><strong>Reason:</strong> {_text(answer.reason)}</p>")
    return "\n".join([*lines, "</header>"])


def _bottom_line(answer: Answer) -> Iterator[str]:
    if answer.bottom_line:
        yield _section(words.BOTTOM_LINE, (_statement(s, answer) for s in answer.bottom_line), "bottom-line")


def _sections(answer: Answer) -> Iterator[str]:
    for section in answer.sections:
        yield _section(section.heading, [_list(_statement(s, answer) for s in section.statements)])


def _statement(statement: Statement, answer: Answer, label: str = "") -> str:
    """The sentence with its citations, and its quotes folded under it."""
    cites = _cites(statement.citations)
    note = words.qualifier(statement)
    shown = f' <span class="note">({_text(note)})</span>' if note else ""
    sentence = f'<p class="statement">{label}{_text(statement.shown)} {cites}{shown}</p>'
    figures = "\n".join(_quote(evidence, answer.references) for evidence in statement.evidence)
    return f"{sentence}\n<details><summary>{words.EVIDENCE}</summary>\n{figures}\n</details>"


def _cites(numbers: Sequence[int]) -> str:
    return " ".join(map(_cite, numbers))


def _cite(number: int) -> str:
    href, mark = words.anchor(number), words.mark(number)
    return f'<a class="cite" href="#{href}" aria-label="Reference {number}">{mark}</a>'


def _quote(evidence: Evidence, references: Sequence[Reference]) -> str:
    source = words.cited(evidence, references)
    where = ", ".join(filter(None, [words.locator(evidence), source.title if source else evidence.source_id]))
    caption = _text(where) + (f" {_cite(source.number)}" if source else "")
    return f"<figure>\n<blockquote>{_text(evidence.quote)}</blockquote>\n<figcaption>{caption}</figcaption>\n</figure>"


def _disagreements(answer: Answer) -> Iterator[str]:
    if answer.disagreements:
        yield _section(words.DISAGREEMENTS, (_disagreement(d, answer) for d in answer.disagreements))


def _disagreement(disagreement: Disagreement, answer: Answer) -> str:
    rows = "\n".join(_position(position, answer) for position in disagreement.positions)
    head = '<tr><th scope="col">Source</th><th scope="col">What it says</th></tr>'
    caption = f"<caption>{_text(disagreement.topic)}</caption>"
    return f"<table>\n{caption}\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _position(position: Position, answer: Answer) -> str:
    who = _text(words.holder(position, answer.references))
    where = f'<br><span class="soft">{_text(words.place_and_year(position))}</span>'
    return f'<tr>\n<th scope="row">{who}{where}</th>\n<td>{_statement(position.statement, answer)}</td>\n</tr>'


def _needed(answer: Answer) -> Iterator[str]:
    if answer.needed:
        parts = (part for needed in answer.needed for part in _variable(needed, answer))
        yield _section(words.needed_heading(answer), parts)


def _variable(needed: Needed, answer: Answer) -> Iterator[str]:
    yield f"<h3>{_text(needed.variable)}</h3>"
    yield f"<p>{_text(needed.why)}</p>"
    if needed.branches:
        yield _list(
            _statement(branch.statement, answer, f"<strong>{_text(branch.value)}:</strong> ")
            + (f'\n<p class="soft">{_text(branch.note)}</p>' if branch.note else "")
            for branch in needed.branches
        )


def _gaps(answer: Answer) -> Iterator[str]:
    if answer.gaps:
        items = (f"<strong>{_text(gap.aspect)}:</strong> {_text(gap.reason)}" for gap in answer.gaps)
        yield _section(words.GAPS, [_list(items)])


def _withheld(answer: Answer) -> Iterator[str]:
    if answer.withheld:
        items = (f"<strong>{_text(part.heading)}:</strong> {_text(words.withheld(part))}" for part in answer.withheld)
        yield _section(words.WITHHELD, [_list(items)])


def _nearest(answer: Answer) -> Iterator[str]:
    if answer.nearest:
        yield _section(words.NEAREST, (_quote(evidence, answer.references) for evidence in answer.nearest))


def _references(answer: Answer) -> Iterator[str]:
    if answer.references:
        items = (_reference(r, answer.references) for r in answer.references)
        yield _section(words.REFERENCES, ["<ol>", *items, "</ol>"])


def _reference(reference: Reference, references: Sequence[Reference]) -> str:
    citation = "".join(_link(text, url) for text, url in words.linked(reference))
    note = _text(words.details(reference, references))
    place = f'id="{words.anchor(reference.number)}" value="{reference.number}"'
    return f'<li {place}>{citation}<br><span class="soft">{note}</span></li>'


def _related(answer: Answer) -> Iterator[str]:
    if answer.related_questions:
        yield _section(words.RELATED, [_list(_text(question) for question in answer.related_questions)])


def _glossary(answer: Answer) -> Iterator[str]:
    for heading, entries in words.glossaries(answer):
        yield _section(heading, ["<dl>", *(_entry(entry, answer.references) for entry in entries), "</dl>"])


def _entry(entry: GlossaryEntry, references: Sequence[Reference]) -> str:
    said = f"{_text(words.meaning(entry))} {_cites(entry.citations)}".rstrip()
    if entry.evidence:
        said += f"\n<details><summary>{words.EVIDENCE}</summary>\n{_quote(entry.evidence, references)}\n</details>"
    return f"<dt>{_text(entry.term)}</dt><dd>{said}</dd>"


def _foot(answer: Answer) -> str:
    return f"<footer>\n<p>{_text(answer.disclaimer)}</p>\n<p>{_text(words.receipt_line(answer))}</p>\n</footer>"
