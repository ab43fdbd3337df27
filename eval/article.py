"""An answer of any form taken apart: bottom line, sections, statements with their citations, references, questions.

The shape is that of articles which clinicians read: the question as title, boilerplate of the site, the bottom line,
sections with bullets, related questions, a disclaimer. A language model's prose without any heading is one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from eval import article_blocks, article_html, article_markdown
from eval.article_blocks import Block, Form, Kind, guessed
from eval.article_citations import Style, sentences, style_of
from eval.domain import Article, Claim, Gold, Importance, Listed, Part, Response, Said
from eval.values import values_in

_READERS = {"text": article_blocks.read, "markdown": article_markdown.read, "html": article_html.read}

#: What a site or an answerer says about the text, not about the question.
_BOILERPLATE = re.compile(
    r"medical advisory board.*|all articles are reviewed.*|educational purposes? only\W.*|article review status|"
    r"submitted|under review|approved|last (?:updated|reviewed|modified)\b.*|view editorial policy|personali[sz]e|"
    r"help us tailor.*|which best describes you\b.*|(?:share|print|save|copy|bookmark)(?: this)?(?: article)?|"
    r"(?:medically )?reviewed by\b.*|advertisement|\*?(?:question|read as):? .*|"
    r"(?:answered(?: in part)?|not answered|redirected) · .*",
    re.IGNORECASE,
)
_BOX = re.compile(
    r"(?:have|got) (?:a|any|another|more) (?:follow-?up )?questions?\?*|ask a follow-?up.*", re.IGNORECASE
)
_BOTTOM_LINE = re.compile(
    r"(?:the )?(?:clinical )?(?:bottom[- ]line|short answer|direct answer|quick answer|brief answer|answer|"
    r"answer in brief|in brief|in short|summary|key (?:message|point)s?|conclusion|recommendation|tl;?dr)"
    r"(?: (?:up front|first))?",
    re.IGNORECASE,
)
_LABEL = re.compile(rf"({_BOTTOM_LINE.pattern})\s?[:—]\s+(?=\S)", re.IGNORECASE)
_RELATED = re.compile(
    r"(?:related|follow-?up|further|suggested|other|similar) (?:clinical )?(?:questions?|topics?)|"
    r"people also ask(?:ed)?|you (?:may|might) also ask",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    r"(?:key |selected |cited )?(?:references?|sources?|bibliography|works cited|literature(?: cited)?|citations?)"
    r"(?: (?:list|cited|used))?",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(r"(?:\S+ ){0,3}disclaimers?", re.IGNORECASE)
#: Sections that say what was not found, quote a passage or explain words: no statements of the answer.
_ASIDE = re.compile(r"what could not be supported|nearest passages|glossary|abbreviations", re.IGNORECASE)
_DISCLAIMING = re.compile(
    r"(?:disclaimer|important|note)\s?:\s|(?:not|never) (?:a )?(?:substitute|replace)|does not replace|"
    r"(?:informational|educational) purposes|not (?:constitute )?(?:medical|professional) advice|"
    r"(?:consult|speak with|talk to) (?:a|an|your|with a) (?:\w+ )?(?:doctor|physician|clinician|health)|"
    r"clinical judge?ment|healthcare professionals|incomplete or out of date",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"\[?\^?(\d{1,3})(?:\]:?|[.):])\s+(?P<text>\S.*)")
_ENTRY_ALONE = re.compile(r"\[\^?(\d{1,3})\]:?\s+(?P<text>\S.*)")
_QUESTION = re.compile(r"[^?]*\?")
_STOP = re.compile(r"[.!?][\"'”’)\]]*$")
#: Headings of sections that say what to do, and what to beware of.
_DOING = re.compile(
    r"\b(?:do|doing|dos(?:e|es|ing|age)|manage\w*|treat\w*|recommend\w*|monitor\w*|action|start\w*|pitfalls?|avoid\w*|"
    r"caution\w*|warning\w*|contraindicat\w*|safety|next steps?|plan|approach)\b",
    re.IGNORECASE,
)
_SHORT = 3


class _Section(NamedTuple):
    heading: str
    level: int
    blocks: list[Block]


def parse(text: str, form: Form | None = None) -> Article:
    """``text`` taken apart.

    The bottom line is what is said before the first heading after the title; or under the first heading, if that is
    named so ("Bottom line", "Summary"), or if no more than three sentences without bullets stand under it and other
    headings follow, as where the decision is the heading. Without any heading it is the first paragraph, if that has
    no more than three sentences, else the first sentence; an answer that starts with a list has none.

    A sentence that ends with a colon before a list is no statement: it is put before those items of its list that are
    no sentences themselves, and they share its citations. Site boilerplate, and what stands under headings such as
    "Nearest passages", is left out.

    Args:
        form: Of ``text``; guessed from its marks where None.

    Returns:
        An article with nothing in it for a text without any words.
    """
    found = [b for b in _READERS[form or guessed(text)](text) if b.text or b.kind is Kind.RULE]
    found = [b for b in found if not _BOILERPLATE.fullmatch(b.text)]
    title, found = _title(found)
    has_heading = any(b.kind is Kind.HEADING and _DISCLAIMER.fullmatch(b.text) for b in found)
    found, disclaimer = (found, None) if has_heading else _disclaimer_taken(found)
    sections, named = _sorted_out(_sections(_labelled(found)))
    sections, listed = _entries_taken(sections)
    style = style_of(b.text for section in sections for b in section.blocks)
    bottom_line, parts = _arranged(sections, style)
    return Article(
        title=title,
        bottom_line=bottom_line,
        parts=parts,
        references=_listed(named["references"] or listed),
        related_questions=tuple(q for b in named["related"] for q in _questions(b.text)),
        disclaimer=" ".join(b.text for b in named["disclaimer"]) or disclaimer,
    )


def _title(found: list[Block]) -> tuple[str, list[Block]]:
    """The first heading, unless it is the name of a section or one of several of its level; or a question."""
    if not found:
        return "", found
    first, rest = found[0], found[1:]
    if first.kind is Kind.PARAGRAPH and _QUESTION.fullmatch(first.text) and rest:
        return first.text, rest
    levels = [b.level for b in rest if b.kind is Kind.HEADING]
    is_above = not levels or first.level < min(levels) or rest[0].kind is Kind.HEADING
    is_name = any(p.fullmatch(first.text.rstrip(": ")) for p in (_BOTTOM_LINE, _RELATED, _REFERENCES))
    if first.kind is Kind.HEADING and is_above and not is_name:
        return first.text, rest
    return "", found


def _labelled(found: list[Block]) -> list[Block]:
    """A paragraph "Bottom line: …" at the start of what is said becomes a heading and a paragraph."""
    first = found[0] if found else None
    match = _LABEL.match(first.text) if first and first.kind is Kind.PARAGRAPH else None
    if not first or not match:
        return found
    label = Block(Kind.HEADING, match[1], first.level)
    return [label, first._replace(text=first.text[match.end() :]), *found[1:]]


def _sections(found: Sequence[Block]) -> list[_Section]:
    """What stands under each heading; first what stands before any. A rule ends what is under a heading by name.

    A heading with a deeper one right under it is put before that: "Dosing: Argatroban".
    """
    sections = [_Section("", 0, [])]
    for block in found:
        last = sections[-1]
        if block.kind is Kind.HEADING:
            heading = block.text.rstrip(": ")
            if last.heading and not last.blocks and last.level < block.level and not _name(heading):
                heading = f"{sections.pop().heading}: {heading}"
            sections.append(_Section(heading, block.level, []))
        elif block.kind is not Kind.RULE:
            last.blocks.append(block)
        elif _name(last.heading) or _BOTTOM_LINE.fullmatch(last.heading):
            sections.append(_Section("", 0, []))
    return [s for s in sections if s.heading or s.blocks]


def _name(heading: str) -> str:
    patterns = {"related": _RELATED, "references": _REFERENCES, "disclaimer": _DISCLAIMER, "aside": _ASIDE, "box": _BOX}
    return next((name for name, pattern in patterns.items() if pattern.fullmatch(heading)), "")


def _sorted_out(sections: list[_Section]) -> tuple[list[_Section], dict[str, list[Block]]]:
    """Sections with statements, and the blocks of the others by what they are."""
    named: dict[str, list[Block]] = {"related": [], "references": [], "disclaimer": [], "aside": [], "box": []}
    kept = []
    for section in sections:
        if name := _name(section.heading):
            named[name].extend(section.blocks)
        else:
            kept.append(section)
    return kept, named


def _entries_taken(sections: list[_Section]) -> tuple[list[_Section], list[Block]]:
    """Paragraphs that are entries of a reference list without a heading: "[1] …"."""
    entries = [b for s in sections for b in s.blocks if b.kind is Kind.PARAGRAPH and _ENTRY_ALONE.fullmatch(b.text)]
    taken = set(entries)
    return [s._replace(blocks=[b for b in s.blocks if b not in taken]) for s in sections], entries


def _disclaimer_taken(found: list[Block]) -> tuple[list[Block], str | None]:
    """One of the last two paragraphs, if it disclaims and something stands before it; the other may be a byline."""
    for place in range(len(found) - 1, max(0, len(found) - 3), -1):
        block = found[place]
        if block.kind is Kind.PARAGRAPH and _DISCLAIMING.search(block.text):
            return found[:place], block.text
        if block.kind is not Kind.PARAGRAPH:
            break
    return found, None


def _listed(entries: Sequence[Block]) -> tuple[Listed, ...]:
    """The entries of a reference list, of two with one number the first.

    Where no entry has a number, each has that of its place; where some have, the others go on with the one before.
    """
    matches = [_ENTRY.fullmatch(block.text) for block in entries]
    numbers = [int(m[1]) if m else b.number for m, b in zip(matches, entries, strict=True)]
    has_none = not any(numbers)
    found: dict[int, list[str]] = {}
    texts: list[str] = []
    for place, (block, match, number) in enumerate(zip(entries, matches, numbers, strict=True), 1):
        if number or has_none:
            texts = []
            found.setdefault(number or place, texts)
        texts.append((match["text"] if match else block.text).strip())
    return tuple(Listed(number=number, text=" ".join(texts)) for number, texts in found.items())


def _questions(text: str) -> list[str]:
    return [q.strip() for q in _QUESTION.findall(text)] or [text]


# bottom line and parts


def _arranged(sections: list[_Section], style: Style) -> tuple[tuple[Said, ...], tuple[Part, ...]]:
    if not sections:
        return (), ()
    first, *rest = sections
    if not first.heading and not rest:
        return _without_headings(first.blocks, style)
    said = tuple(_said(first.blocks, style))
    if not first.heading:
        if rest and _BOTTOM_LINE.fullmatch(rest[0].heading):
            said += tuple(_said(rest.pop(0).blocks, style))
        return said, _parts(rest, style)
    is_prose = all(b.kind is Kind.PARAGRAPH for b in first.blocks)
    if _BOTTOM_LINE.fullmatch(first.heading) or (rest and is_prose and 0 < len(said) <= _SHORT):
        return said, _parts(rest, style)
    return (), _parts(sections, style)


def _without_headings(blocks: list[Block], style: Style) -> tuple[tuple[Said, ...], tuple[Part, ...]]:
    said = list(_said(blocks, style))
    if not blocks or blocks[0].kind is Kind.ITEM:
        return (), (Part(heading="", said=tuple(said)),)
    first = len(list(_said(blocks[:1], style)))
    first = min(first, 1) if first > _SHORT else first
    rest = (Part(heading="", said=tuple(said[first:])),) if said[first:] else ()
    return tuple(said[:first]), rest


def _parts(sections: list[_Section], style: Style) -> tuple[Part, ...]:
    return tuple(Part(heading=s.heading, said=tuple(_said(s.blocks, style))) for s in sections)


def _said(blocks: Sequence[Block], style: Style) -> Iterator[Said]:
    leads: dict[int, Said] = {}  # by the depth of the block that introduces; 0 is a paragraph
    for block, after in zip_longest(blocks, blocks[1:]):
        depth = block.level if block.kind is Kind.ITEM else 0
        leads = {d: lead for d, lead in leads.items() if d < depth}
        found = sentences(block.text, style)
        if depth and leads and found:
            found[0] = _introduced(found[0], leads[max(leads)])
        if after and found and found[-1].text.endswith(":"):
            leads[depth] = found.pop()
        yield from found


def _introduced(said: Said, lead: Said) -> Said:
    """An item after what introduces its list, if it is no sentence by itself."""
    if _STOP.search(said.text):
        return said
    return Said(text=f"{lead.text} {said.text}", citations=said.citations or lead.citations)


# articles as text, and as what is known


def to_text(article: Article) -> str:
    """``article`` as Markdown that ``parse`` reads back; quotes are left out."""
    lines = [f"# {_escaped(article.title)}"] if article.title else []
    if article.bottom_line:
        lines += ["## Bottom line", " ".join(map(_marked, article.bottom_line))]
    for part in article.parts:
        lines.append(f"## {_escaped(part.heading)}" if part.heading else "---")
        lines.append("\n".join(f"- {_marked(s)}" for s in part.said))
    if article.related_questions:
        lines += ["## Related questions", "\n".join(f"- {_escaped(q)}" for q in article.related_questions)]
    if article.references:
        lines += ["## References", "\n".join(f"{r.number}. {_escaped(r.text)}" for r in article.references)]
    if article.disclaimer:
        lines += ["## Disclaimer", _escaped(article.disclaimer)]
    return "\n\n".join(filter(None, lines)) + "\n"


def _marked(said: Said) -> str:
    return _escaped(said.text) + (f" \\[{', '.join(map(str, said.citations))}\\]" if said.citations else "")


def _escaped(text: str) -> str:
    text = re.sub(r"[\\`*\[\]]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w+;)", r"\\\g<0>", text)
    return re.sub(r"^(\d{0,9})([-+=.)>#])", r"\1\\\2", text)


def claims_of(article: Article) -> tuple[Claim, ...]:
    """What a plain article says, as claims that an answer should say, with their values.

    Must is what the bottom line says, and what stands under headings about what to do and what to beware of; the rest
    is nice. Sentences that are said twice are one claim, and a question is none.
    """
    ranked: list[tuple[str, Importance]] = [(s.text, "must") for s in article.bottom_line]
    for part in article.parts:
        ranked += [(s.text, "must" if _DOING.search(part.heading) else "nice") for s in part.said]
    unique = dict(reversed([(text, importance) for text, importance in ranked if not text.endswith("?")]))
    order = [text for text in dict.fromkeys(text for text, _ in ranked) if text in unique]
    return tuple(
        Claim(claim_id=f"c{n:02}", text=text, importance=unique[text], values=values_in(text))
        for n, text in enumerate(order, 1)
    )


def gold_of(article: Article) -> Gold:
    """What is known of the question of a plain reference article: its claims, headings and related questions."""
    outline = tuple(part.heading for part in article.parts if part.heading)
    return Gold(claims=claims_of(article), outline=outline, related=article.related_questions)


def answered(response: Response) -> Article:
    """What a system said, taken apart: its text is parsed if it gave nothing else.

    Nothing where it did not answer, whatever it wrote to say so.
    """
    if not response.is_answer:
        return Article()
    return response.article if response.article.said() else parse(response.text)
