"""From ordered lines to blocks: paragraphs mended over line, column and page ends, headings, lists, captions, rows.

A heading is told by its type (larger, bold, all capitals) or by the file's outline; its level by size and weight.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

from rag.domain import BlockKind
from rag.ingest.readers.assembly import Item, cleaned, row_text
from rag.ingest.readers.pdf_layout import Line
from rag.ingest.readers.pdf_tables import Row

#: So much larger than the body is a heading whatever its weight, so much smaller no heading.
_LARGER, _SMALLER = 1.15, 0.93
_MOST_HEADING_WORDS = 25
#: Characters on a page from which its own most usual size is the body's.
_MUCH_TEXT = 900
#: Lines further apart than so many font sizes are of two paragraphs; 1.2 is set solid, 1.5 is wide.
_PARAGRAPH_STEP = 1.62
_TAIL = 80  # characters, enough for the last word with a note's numbers
_SENTENCE_END = re.compile(r"[.!?:;][”\"’')\]]*(?:\s*[(\[]?[\d,–\- ]+[)\]]?)?$")
_MARKER = re.compile(r"(?:[•●▪■◦‣·○►☐□✓❑]\s*|[–—-]\s+|\(?(?:\d{1,2}|[a-z]|[ivx]{2,4})\)\s+|\d{1,2}\.\s+)(?=\S)")
_CAPTION = re.compile(
    r"(table|figure|fig\.|box|exhibit)\s+[A-Z]{0,4}[-–]?\d*[\w.–-]*[.:]?(?:\s+[A-Z(]|\s*$)", re.IGNORECASE
)
_CAPTION_START = re.compile(r"[TFBE]")
_NUMBERED = re.compile(
    r"(?:chapter|section|part|annex|appendix)\s+[\dA-Z]|\d{1,2}(?:\.\d{1,2}){0,4}\.?\s+[^\W\d_]", re.IGNORECASE
)
_REFERENCES = re.compile(
    r"(?:[\dIVX]+\.?\s*)?(?:references?|bibliography|literature cited|works cited)(?:\s+list)?:?", re.IGNORECASE
)
_CONTENTS = re.compile(r"(?:table of )?contents|list of (?:tables|figures)", re.IGNORECASE)
_ENTRY = re.compile(r"\[?(\d{1,3})[.\])]?\s+(?=\S)")
#: An entry's number may be lost in the layout; one that is further on is no entry's.
_MOST_MISSED_ENTRIES = 3
_LEADING_NUMBER = re.compile(r"^\[?\d{1,3}[.\])]+\s+")
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]+[^\s\"<>.,;:)\]]")
_PMID = re.compile(r"\bPMID:?\s*([1-9]\d{0,8})\b", re.IGNORECASE)
_SOME_LETTERS = re.compile(r"[^\W\d_]{3}")  # a number alone is from the axis of a chart
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BROKEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-$")
_NEXT = re.compile(r"[a-zà-öø-ÿ]+")
_PLAIN = re.compile(r"[\W_]+")


class Text(NamedTuple):
    items: list[Item]
    cites: list[str]


def blocks_of(parts: Iterable[Line | Row], outline: Iterable[str] = (), title: str = "") -> Text:
    """Items in reading order, and what the list of references names."""
    found = [*parts]
    reader = _Reader(found, outline, title)
    for i, part in enumerate(found):
        if isinstance(part, Row):
            reader.row(part)
        else:
            after = found[i + 1] if i + 1 < len(found) else None
            reader.line(part, after if isinstance(after, Line) else None)
    reader.close()
    items = [i for i in reader.items if i.kind is BlockKind.TABLE_ROW or _SOME_LETTERS.search(i.text)]
    return Text(items, [_cited(entry) for entry in reader.entries if len(entry) > 20])


class _Reader:
    """Takes lines and rows in order; ``items`` and ``entries`` are what came of them."""

    def __init__(self, parts: list[Line | Row], outline: Iterable[str], title: str) -> None:
        self.items: list[Item] = []
        self.entries: list[str] = []
        self._bodies = _body_sizes([p for p in parts if isinstance(p, Line)])
        self._body = 10.0  # of the page that is read
        self._outline = {key for entry in outline if (key := _plain(entry))}
        self._title = _plain(title)
        self._words = _vocabulary(parts)
        self._headings: list[tuple[tuple[float, bool], str]] = []
        self._open: int | None = None  # the item that the next line may go on with
        self._last: Line | None = None  # the line read last, of prose or of a heading
        self._is_heading = False
        self._caption = ""
        self._caption_page = 0
        self._is_references = False
        self._entry_number: int | None = None

    def row(self, row: Row) -> None:
        self._note_caption()
        header = [cleaned(name) for name in row.header]
        text = row_text(header, [self._cell(cell) for cell in row.cells])
        group = cleaned(row.group)
        if _CONTENTS.fullmatch(self._path()[-1] if self._path() else ""):
            return
        path = self._path()
        if self._caption and row.page <= self._caption_page + 1:
            path, self._caption_page = (*path, self._caption), row.page
        self.items.append(Item(f"{group} | {text}" if group else text, path, BlockKind.TABLE_ROW, row.page))
        if self._open is not None and self.items[self._open].kind is BlockKind.CAPTION:
            self._open = None

    def _cell(self, cell: str) -> str:
        return cleaned(reduce(self._mended, cell.split("\n")))

    def line(self, line: Line, after: Line | None) -> None:
        text = cleaned(line.text)
        if not text:
            return
        self._body = self._bodies[line.page]
        if _is_caption(text, line, self._body):
            self._is_references = False  # tables that stand after the list
            self._start(text, line, BlockKind.CAPTION)
        elif self._goes_on_with_heading(line):
            self._heading_goes_on(text, line)
        elif self._is_a_heading(text, line, after):
            self._heading(text, line)
        elif self._is_references:
            self._reference(text, line)
        elif not (_CONTENTS.fullmatch(self._path()[-1] if self._path() else "") and re.search(r"\s[\divx]+$", text)):
            self._prose(text, line)
        self._last = line

    def close(self) -> None:
        self._note_caption()
        self._open = None

    def _path(self) -> tuple[str, ...]:
        return tuple(heading for _, heading in self._headings)

    def _rank(self, line: Line) -> tuple[float, bool]:
        return (-round(line.size), not line.is_bold)

    def _is_a_heading(self, text: str, line: Line, after: Line | None) -> bool:
        words = text.split()
        if _REFERENCES.fullmatch(text.rstrip(".")) and (line.is_bold or text.isupper() or line.size > self._body):
            return True
        letters = sum(c.isalpha() for c in text)
        if letters < 4 or letters < 0.5 * len(text.replace(" ", "")) or len(words) > _MOST_HEADING_WORDS:
            return False
        if line.size < _SMALLER * self._body or text[0].islower() or text[0] in "•–*†‡§(":
            return False
        if _plain(text) in self._outline and (line.is_bold or line.size > self._body or self._is_apart(line)):
            return True
        if text[-1] in ".;," and not _REFERENCES.fullmatch(text.rstrip(".")):
            return False
        if line.size >= _LARGER * self._body:
            return True
        is_short = line.right - line.left < 0.9 * (line.column[1] - line.column[0]) or len(words) <= 10
        if line.is_bold and is_short:
            return self._is_apart(line) and not (after is not None and _is_run_in(line, after))
        return text.isupper() and len(words) <= 10 and self._is_apart(line) and letters >= 6

    def _is_apart(self, line: Line) -> bool:
        """Whether a line is no continuation of the one before: another column, type, a gap, or after a full stop."""
        last = self._last
        if last is None or last.region != line.region or last.is_bold != line.is_bold:
            return True
        return line.y - last.y > _PARAGRAPH_STEP * line.size or self._is_heading

    def _goes_on_with_heading(self, line: Line) -> bool:
        last = self._last
        if not self._is_heading or last is None or last.region != line.region or not self._headings:
            return False
        is_same = abs(line.size - last.size) < 0.6 and line.is_bold == last.is_bold and not _NUMBERED.match(line.text)
        is_near = 0 < line.y - last.y < 1.45 * line.size
        is_larger = line.size >= _LARGER * self._body or (line.is_bold and len(line.text.split()) <= 12)
        return is_same and is_near and is_larger and _plain(line.text) not in self._outline

    def _heading_goes_on(self, text: str, line: Line) -> None:
        rank, heading = self._headings.pop()
        whole = self._mended(heading, text)
        if len(whole.split()) <= _MOST_HEADING_WORDS:
            self._headings.append((rank, whole))
        else:
            self._start(whole, line, BlockKind.PARAGRAPH)  # prose in large type

    def _heading(self, text: str, line: Line) -> None:
        self._note_caption()
        self._open = None
        rank = self._rank(line)
        is_end = not self._is_references or not self._headings or rank <= self._headings[-1][0]
        if not is_end:
            return
        self._headings = [h for h in self._headings if h[0] < rank and _plain(h[1]) != self._title]
        self._headings.append((rank, text))
        self._is_heading = True
        self._caption = ""
        self._is_references = bool(_REFERENCES.fullmatch(text.rstrip(".")))

    def _start(self, text: str, line: Line, kind: BlockKind) -> None:
        self._note_caption()
        self._is_heading = False
        self._open = len(self.items)
        self.items.append(Item(text, self._path(), kind, line.page))

    def _note_caption(self) -> None:
        """A finished table caption names the rows that follow."""
        if self._open is not None and self.items[self._open].kind is BlockKind.CAPTION:
            item = self.items[self._open]
            if item.text[:3].casefold() == "tab":
                self._caption, self._caption_page = item.text, item.page or 0

    def _prose(self, text: str, line: Line) -> None:
        marker = _MARKER.match(text)
        if marker and not self._reads_on(line, text):
            self._start(text[marker.end() :], line, BlockKind.LIST_ITEM)
        elif self._open is not None and self._reads_on(line, text):
            item = self.items[self._open]
            self.items[self._open] = item._replace(text=self._mended(item.text, text))
        else:
            self._start(text, line, BlockKind.PARAGRAPH)

    def _reads_on(self, line: Line, text: str) -> bool:
        """Whether a line belongs to the open item."""
        last = self._last
        if self._open is None or last is None or self._is_heading:
            return False
        item = self.items[self._open]
        is_ended = bool(_SENTENCE_END.search(item.text[-_TAIL:]))
        if abs(line.size - last.size) > 0.12 * last.size:
            return False
        if line.region != last.region or line.y < last.y:
            return (
                item.kind is not BlockKind.CAPTION
                and not is_ended
                and (text[0].islower() or text[0] in "(≥≤<>0123456789")
            )
        if line.y - last.y > _PARAGRAPH_STEP * line.size:
            return False
        if _MARKER.match(text) and (is_ended or item.kind is BlockKind.LIST_ITEM or not text[0].isdigit()):
            return False
        if item.kind is BlockKind.CAPTION:
            return line.is_bold == last.is_bold and not is_ended
        if item.kind is BlockKind.LIST_ITEM:
            return line.left > last.left - 0.5 * line.size or not is_ended
        is_short = last.right < last.column[1] - 0.25 * (last.column[1] - last.column[0])
        is_indented = line.left - last.left > 0.7 * line.size
        return not (is_ended and (is_short or is_indented)) and not (
            is_indented and line.left > line.column[0] + 40 and is_ended
        )

    def _reference(self, text: str, line: Line) -> None:
        """An entry begins with the next number, or, in a list without numbers, further left or after a gap."""
        last = self._last
        number = int(match[1]) if (match := _ENTRY.match(text)) else None
        if self._is_heading or not self.entries or last is None:
            is_new = True
        elif self._entry_number is not None:
            is_new = number is not None and 0 < number - self._entry_number <= _MOST_MISSED_ENTRIES
        else:
            is_apart = line.y - last.y > _PARAGRAPH_STEP * line.size or line.left < last.left - 0.5 * line.size
            is_new = last.region == line.region and is_apart
        self._is_heading = False
        if is_new:
            self.entries.append(text)
            self._entry_number = number
        else:
            self.entries[-1] = self._mended(self.entries[-1], text)

    def _mended(self, before: str, after: str) -> str:
        """Two lines as one, the word that was broken between them put together."""
        broken, rest = _BROKEN.search(before[-_TAIL:]), _NEXT.match(after)
        if broken and rest:
            return (before if self._keeps_hyphen(broken[1], rest[0]) else before[:-1]) + after
        if before.endswith(("-", "–", "/")) and not before.endswith((" -", " –")):
            return before + after
        return f"{before} {after}"

    def _keeps_hyphen(self, first: str, second: str) -> bool:
        first, second = first.casefold(), second.casefold()
        joined, hyphened = self._words[first + second], self._words[f"{first}-{second}"]
        if joined or hyphened:
            return hyphened > joined
        return "-" in first or bool(self._words[first] and self._words[second])


def _vocabulary(parts: list[Line | Row]) -> Counter[str]:
    """How often each word stands unbroken."""
    found = Counter[str]()
    is_rest = False
    for part in parts:
        for text in [part.text] if isinstance(part, Line) else "\n".join(part.cells).split("\n"):
            words = _WORD.findall(text.casefold())
            is_broken = text.rstrip().endswith("-")
            found.update(words[int(is_rest) : len(words) - int(is_broken)])
            is_rest = is_broken
    return found


def _body_sizes(lines: list[Line]) -> dict[int, float]:
    """The size of most letters, for each page: the page's own where it has much text, else the document's."""
    pages: defaultdict[int, Counter[float]] = defaultdict(Counter)
    for line in lines:
        pages[line.page][round(line.size * 2) / 2] += len(line.text)
    whole = sum(pages.values(), Counter[float]())
    return {
        page: (sizes if sizes.total() >= _MUCH_TEXT else whole).most_common(1)[0][0] for page, sizes in pages.items()
    }


def _is_caption(text: str, line: Line, body: float) -> bool:
    return bool(_CAPTION_START.match(text) and _CAPTION.match(text)) and (
        line.is_bold
        or text.split()[0].isupper()
        or line.size < _SMALLER * body
        or bool(re.match(r"\w+\.?\s+[\w–.-]+[.:]", text))
    )


def _is_run_in(line: Line, after: Line) -> bool:
    """Whether the next line reads on in the same type, so that a bold line is bold prose."""
    same = after.is_bold == line.is_bold and after.region == line.region
    return same and after.text[:1].islower() and line.right > 0.9 * line.column[1] and line.text.count(" ") > 10


def _plain(text: str) -> str:
    return _PLAIN.sub("", text.casefold())


def _cited(entry: str) -> str:
    doi = _DOI.search(entry)
    pmid = _PMID.search(entry)
    if doi:
        return f"doi:{doi[0]}"
    return f"pmid:{pmid[1]}" if pmid else _LEADING_NUMBER.sub("", entry)
