"""Running text of XML elements: raised digits, marks of citations and footnotes, formulas, named characters."""

from __future__ import annotations

import re
from html.entities import html5
from typing import Any

from lxml import etree

from rag.ingest.readers.assembly import RAISED, cleaned
from rag.ingest.readers.xml_math import formula_text

#: Stands where a citation was taken out. XML allows no NUL, so no text can hold one.
_CITED = "\0"
_CITATIONS = re.compile(
    r"(?P<before>\s*)(?:\(\s*\0[\s\0,;–—⁻-]*\)|\[\s*\0[\s\0,;–—⁻-]*\]|\0(?:[\s,;–—⁻-]*\0)*)(?P<after>\s*[.,;:?!)\]])?"
)
#: Stands for what is only a picture, lest a sentence seem whole without it.
_UNSEEN = "[…]"
_NUMBERS = re.compile(r"[\s\d,;–—-]+")
_BRACKETS = re.compile(r"[()\[\],;\s]+")
_LETTER_MARK = re.compile(r"\s*[a-z](?:\s*,\s*[a-z])*\s*")
_RAISED_LETTERS = str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")
_LOOK_BACK = 12  # pieces: a bracket with citations is no longer
_FORMULAS = frozenset(("inline-formula", "disp-formula", "disp-formula-group", "alternatives", "chem-struct"))
_LEFT_OUT = frozenset(
    "graphic media inline-media inline-supplementary-material supplementary-material object-id alt-text "
    "long-desc index-term private-char glyph-data permissions fn-group".split()
)
#: Words on both sides of these are not one word.
_SPACED = frozenset("p break title td th tr sec list def-item term def list-item disp-quote verse-line".split())


def text_of(element: Any | None) -> str:
    """The text within ``element`` in one line, "" for None."""
    if element is None:
        return ""
    if not len(element):
        return cleaned(element.text or "")
    parts: list[str] = []
    add_content(parts, element)
    return joined(parts)


def joined(parts: list[str]) -> str:
    """The pieces as one line, with the places of citations closed up."""
    text = "".join(parts)
    return cleaned(_CITATIONS.sub(_closed_up, text) if _CITED in text else text)


def add_content(parts: list[str], element: Any) -> None:
    """Append all text within ``element``."""
    if element.text:
        parts.append(element.text)
    for child in element:
        add(parts, child)
        if child.tail:
            parts.append(child.tail)


def add(parts: list[str], node: Any) -> None:
    """Append the text of ``node``, without its tail, as its element asks for."""
    tag = node.tag
    if tag is etree.Entity:
        parts.append(html5.get(f"{node.name};", node.text))
    elif tag == "sup":
        _add_raised(parts, node)
    elif tag == "xref":
        _add_reference(parts, node)
    elif tag == "math":
        parts.append(formula_text(node))
    elif tag == "inline-graphic":
        parts.append(_UNSEEN)
    elif tag in _FORMULAS:
        _add_formula(parts, node)
    elif tag == "tex-math":
        parts.append(_tex(node))
    elif tag in _SPACED:
        is_next_item = tag == "list-item" and node.getprevious() is not None
        parts.append("; " if is_next_item else " ")
        add_content(parts, node)
        parts.append(" ")
    elif tag not in _LEFT_OUT:
        add_content(parts, node)


def mark_of(text: str) -> str:
    """The mark of a footnote, raised and set apart, so that it is no digit or letter of what it stands at."""
    return f" {text.strip().translate(RAISED).translate(_RAISED_LETTERS)}" if text.strip() else ""


def _add_raised(parts: list[str], node: Any) -> None:
    """10<sup>9</sup> must not become 109; the number of a reference is no part of the text."""
    inner: list[str] = []
    add_content(inner, node)
    text = "".join(inner)
    is_citation = len(node) and (_CITED in text or any(x.get("ref-type") == "bibr" for x in node.iter("xref")))
    if is_citation or _BRACKETS.fullmatch(text):
        parts.append(_CITED)
    elif _LETTER_MARK.fullmatch(text):
        parts.append(mark_of(text))
    else:
        parts.append(text.translate(RAISED))


def _add_reference(parts: list[str], node: Any) -> None:
    inner: list[str] = []
    add_content(inner, node)
    text = "".join(inner)
    kind = node.get("ref-type")
    if kind == "bibr":
        is_raised = next(node.iter("sup"), None) is not None
        is_number = _NUMBERS.fullmatch(text) and not _is_in_brackets(parts)
        parts.append(_CITED if is_raised or is_number else text)
    elif kind in ("fn", "table-fn"):
        parts.append(mark_of(text))
    else:
        parts.append(text)


def _is_in_brackets(parts: list[str]) -> bool:
    before = "".join(parts[-_LOOK_BACK:])
    return before.rfind("[") > before.rfind("]") or before.rfind("(") > before.rfind(")")


def _closed_up(match: re.Match[str]) -> str:
    if match["after"]:
        return match["after"].strip()
    return " " if match["before"] else ""


def _add_formula(parts: list[str], node: Any) -> None:
    """One of the forms a formula is given in; its number is left out."""
    math = next(node.iter("math"), None)
    tex = next(node.iter("tex-math"), None)
    text = formula_text(math) if math is not None else _tex(tex) if tex is not None else _written_out(node)
    parts.append(f" {text or _UNSEEN} " if node.tag.startswith("disp") else text or _UNSEEN)


def _written_out(node: Any) -> str:
    parts = [node.text or ""]
    for child in node:
        if child.tag not in ("label", "inline-graphic"):
            add(parts, child)
        parts.append(child.tail or "")
    return "".join(parts).strip()


def _tex(node: Any) -> str:
    """TeX without the document that some publishers wrap around each formula."""
    text = "".join(node.itertext())
    body = text.partition(r"\begin{document}")[2].partition(r"\end{document}")[0] or text
    return body.strip().strip("$").strip()
