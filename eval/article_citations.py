"""The numbered citations of running text: which numbers are citations, and to which sentence each belongs.

Known are [1], [1, 2], [1][2], [1-3], [^1], raised numbers, (1,2) before a stop, and bare numbers after the full stop
("in HIT. 1, 2"), where an article writes them so. Doses, powers, units (m²) and isotopes (¹³¹I) are no citations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from eval.domain import Said
from rag.language.sentences import sentence_spans

_NUMBERS = r"\d{1,3}(?:\s?[,;–-]\s?\d{1,3})*"
_BRACKETS = re.compile(rf"\s?\[({_NUMBERS})\]")
#: [1][2] and [1], [2] are one mark, [^1] and [[1]] are [1]: after it the splitter keeps each mark in one piece.
_JOINT = re.compile(r"(?<=\d)\]\s?[,;]?\s?\[(?=\d[\d,;\s–-]*\])")
_WRAPPED = re.compile(rf"\[\[({_NUMBERS})\]\]|\[\^(\d{{1,3}})\]")
_NAMED = re.compile(rf"\s?[(\[](?:refs?\.?|references?|citations?)\s?({_NUMBERS})[)\]]", re.IGNORECASE)
_ROUND = re.compile(rf"\s?\(({_NUMBERS})\)(?=\s*(?:[.;,:!?]|$))")
#: After a word or a stop; not after cm, mm and the like, and not before what makes it a charge or an isotope.
_RAISED = re.compile(
    r"(?:(?<=[^\W\d_]{2})|(?<=[.,;:!?)\]”\"'%]))(?<![cdkmnµμ]m)\s?"
    r"([¹²³⁰⁴-⁹]{1,3}(?:\s?[,⁻–-]\s?[¹²³⁰⁴-⁹]{1,3})*)(?![\w⁺⁻])"
)
_LEVEL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
#: A raised number that lost its height: "in HIT.1".
_GLUED = re.compile(r"(?:(?<=[^\W\d_]{2}[.!?])|(?<=.[)\]%][.!?]))(\d{1,3}(?:[,–-]\d{1,3})*)$")
_BARE_AT_END = re.compile(r"[.!?][\"'”’)\]]?\s(\d{1,3}(?:\s?[,–-]\s?\d{1,3})*)$")
#: What may follow a bare citation: the start of a sentence, which "mL" is not, nor a small word after a count.
_BARE_AT_START = re.compile(
    rf"({_NUMBERS})(?:$|\s+(?=[\"“‘(]?(?!(?:mL|mEq|mOsm|mIU|kPa|dL)\b)(?:[A-ZÀ-ÞΑ-Ω<>≥≤]|[a-z]{{1,4}}[A-Z])))"
)
_CLOSED_AT_START = re.compile(rf"(?:\[({_NUMBERS})\]|\(({_NUMBERS})\))(?:\s+|$)")
#: At the end of a bullet without a stop; after these words a number belongs to the words.
_BARE_WITHOUT_STOP = re.compile(rf"(?<=[a-z]{{2}})\s({_NUMBERS})$")
_COUNTING = frozenset(
    "about above age approximately arm around below between category chapter class cohort cycle cycles day days dose "
    "every exceeding factor figure grade group hour hours least level line month months most over part phase points "
    "score section stage step than through time times type under until version week weeks with within year years "
    "from into only plus reach reaches equals measuring total targeting target".split()
)
#: A note after the mark, "(low certainty)", which is no statement.
_NOTE = re.compile(r"\([^().]*\)")
_WIDEST_RANGE = 30


class Style(NamedTuple):
    """How an article cites, beyond brackets and raised numbers, which are always citations."""

    bare: bool
    round: bool


def style_of(texts: Iterable[str]) -> Style:
    """Bare numbers are citations where a paragraph ends in one; round brackets where there are no other marks."""
    texts = list(texts)
    bare = any(_BARE_AT_END.search(text) for text in texts)
    square = any(_BRACKETS.search(_plain_marks(text)) for text in texts)
    return Style(bare and not square, not bare and not square)


def sentences(text: str, style: Style) -> list[Said]:
    """The sentences of a paragraph, in order, without their citations.

    A mark after a full stop belongs to the sentence before it. Nothing but words in round brackets is no sentence.
    """
    text = _plain_marks(text)
    found: list[tuple[str, list[int]]] = []
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        while found and (mark := _at_start(sentence, style)):
            found[-1][1].extend(_expanded(_group(mark)))
            sentence = sentence[mark.end() :]
        if sentence and not _NOTE.fullmatch(sentence):
            found.append(_taken_out(sentence, style))
    return [Said(text=text, citations=tuple(dict.fromkeys(numbers))) for text, numbers in found if text]


def _plain_marks(text: str) -> str:
    text = _WRAPPED.sub(lambda match: f"[{match[1] or match[2]}]", text)
    return _JOINT.sub(",", text)


def _at_start(sentence: str, style: Style) -> re.Match[str] | None:
    closed = _CLOSED_AT_START.match(sentence)
    if closed and (closed[1] or style.round):
        return closed
    return _BARE_AT_START.match(sentence) if style.bare else None


def _taken_out(sentence: str, style: Style) -> tuple[str, list[int]]:
    """The sentence without its marks, and their numbers."""
    numbers: list[tuple[int, list[int]]] = []

    def keep(match: re.Match[str]) -> str:
        found = _expanded(_group(match))
        numbers.append((match.start(), found))
        return "" if found else match[0]

    for pattern in (_BRACKETS, _NAMED, _RAISED, _GLUED, *((_ROUND,) if style.round else ())):
        sentence = pattern.sub(keep, sentence)
    if style.bare and not _ends_in_a_count(sentence):
        sentence = _BARE_WITHOUT_STOP.sub(keep, sentence)
    sentence = re.sub(r"\s+(?=[.,;:](?:\s|$))|,(?=\.$)", "", sentence).strip()
    return sentence, [n for _, found in numbers for n in found]


def _ends_in_a_count(sentence: str) -> bool:
    match = _BARE_WITHOUT_STOP.search(sentence)
    if not match:
        return True
    word = sentence[: match.start()].rpartition(" ")[2]
    return len(word) < 4 or word.lower() in _COUNTING


def _group(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)


def _expanded(written: str) -> list[int]:
    """The numbers of "1-3, 5"; none at all where a range is too wide to be citations, as a reference interval is."""
    numbers: list[int] = []
    for piece in re.split(r"[,;]", written.translate(_LEVEL)):
        low, *rest = (int(n) for n in re.split(r"[–-]", piece))
        high = rest[-1] if rest else low
        if not low <= high <= low + _WIDEST_RANGE or low == 0:
            return []
        numbers.extend(range(low, high + 1))
    return numbers
