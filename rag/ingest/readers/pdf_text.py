"""The text layer of a PDF: what is printed on each page, with its place, size and weight (pypdfium2).

Coordinates are those of the reader: points from the left and from the top, turned where most of a page's text is
turned. Text at another angle (stamps, watermarks) is left out, and so is what no reader can see: under 2 points,
white on nothing dark, or drawn invisibly where no scanned image lies behind it.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from rag.ingest.readers.assembly import RAISED

#: Smallest print that is read, in points: a footnote has 6, hidden text for machines 1.
_LEAST_SIZE = 2.0
#: A gap as wide as this, in font sizes, parts table cells and columns; a space is 0.25, in justified text up to 0.8.
_CELL_GAP = 0.9
#: Where the size changes, what is nearer than this (in font sizes) is the same word.
_LEAST_SPACE = 0.06
#: A character this much smaller than its line and off its baseline (in font sizes) is raised or lowered.
_SMALLER, _RAISED_BY, _LOWERED_BY = 0.87, 0.15, 0.05
#: A path of more segments is no rectangle, but the outline of something drawn.
_RECTANGLE_SEGMENTS = 6
#: From this weight on type is bold (CSS: 600 semi-bold, 700 bold).
_BOLD = 600
_BOLD_NAME = re.compile(rb"bold|black|heavy|semibold|demi", re.IGNORECASE)
_HYPHENS = {0x02, 0xFFFE}  # what pdfium puts for a hyphen at the end of a line
_INVISIBLE_MODES = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}
_RAISED = {**RAISED, ord("–"): ord("⁻")}  # typesetters set an en dash for a minus
#: After these a raised number is an exponent, and not the number of a note: 10⁹, m², cm³, r², χ².
_BASE = re.compile(r"(?:(?<![\d.,])10|(?<![A-Za-z])(?:[cdkmµμn]?m|ft|in|s|[A-Za-zχ]))$")
_SIGNED = re.compile(r"[+\-−–]\d+|\d*[+\-−–]")
_MARK = re.compile(r"[\d,;–\-\s]+|[a-z](?:,\s?[a-z])*")
_ISOTOPE = re.compile(r"\d{2,3}m?")


class Box(NamedTuple):
    """A rectangle in the reader's coordinates: ``top`` < ``bottom``."""

    left: float
    top: float
    right: float
    bottom: float


class Segment(NamedTuple):
    """Printed text without a wide gap: ``y`` is its baseline, ``is_bold`` said of most of its letters."""

    text: str
    left: float
    right: float
    y: float
    size: float
    is_bold: bool


class Page(NamedTuple):
    """One page: ``number`` from 1, ``rules`` its horizontal lines (also those of boxes), ``has_image`` for scans."""

    number: int
    width: float
    height: float
    segments: list[Segment]
    rules: list[Box]
    has_image: bool


class _Style(NamedTuple):
    size: float
    angle: int | None  # quarter turns anticlockwise, None when not straight
    is_bold: bool
    is_white: bool
    is_drawn: bool


class _Piece(NamedTuple):
    """Characters on one baseline in one style, without white space; ``is_glued`` to what stands before."""

    text: str
    x: float
    y: float
    end_x: float
    end_y: float
    style: _Style
    is_glued: bool


def read_page(document: Any, index: int) -> Page:
    """Page ``index`` from 0 of a pypdfium2 document."""
    page = document[index]
    text_page = page.get_textpage()
    try:
        pieces = list(_pieces(text_page.raw, text_page.count_chars()))
        marks, rules, has_image = _graphics(page.raw)
        seen = [p for p in pieces if _is_seen(p, marks, has_image)]
        turns = Counter[int]()
        for piece in seen:
            if piece.style.angle is not None:
                turns[piece.style.angle] += len(piece.text)
        turn = turns.most_common(1)[0][0] if turns else 0
        left, bottom, right, top = page.get_bbox()
        place = _placing(turn, left, bottom, right, top)
        width, height = (right - left, top - bottom) if turn % 2 == 0 else (top - bottom, right - left)
        segments = _segments((p for p in seen if p.style.angle == turn), place)
        return Page(index + 1, width, height, segments, [_placed(r, place) for r in rules], has_image)
    finally:
        text_page.close()
        page.close()


def _placing(turn: int, left: float, bottom: float, right: float, top: float) -> Callable[[float, float], Any]:
    return (
        lambda x, y: (x - left, top - y),
        lambda x, y: (y - bottom, x - left),
        lambda x, y: (right - x, y - bottom),
        lambda x, y: (top - y, right - x),
    )[turn]


def _placed(box: Box, place: Callable[[float, float], Any]) -> Box:
    x0, y0 = place(box.left, box.top)
    x1, y1 = place(box.right, box.bottom)
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _pieces(raw: Any, count: int) -> Iterator[_Piece]:
    """Runs of characters, in the order of the file; the calls are one a character, the rest one a run, for speed."""
    x, y = ctypes.c_double(), ctypes.c_double()
    at_x, at_y = ctypes.byref(x), ctypes.byref(y)
    box = [ctypes.c_double() for _ in range(4)]
    corners = [ctypes.byref(c) for c in box]
    unicode_of, origin_of = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetCharOrigin
    letters: list[str] = []
    last, start_x, start_y, is_glued = 0, 0.0, 0.0, False
    styles = _Styles(raw)
    style = _Style(0, 0, False, False, True)
    is_upright, slack = True, 0.0

    def piece() -> _Piece:
        pdfium.FPDFText_GetCharBox(raw, last, *corners)  # left, right, bottom, top
        left, right, bottom, top = (c.value for c in box)
        ends = {0: (right, start_y), 1: (start_x, top), 2: (left, start_y), 3: (start_x, bottom)}
        return _Piece("".join(letters), start_x, start_y, *ends[style.angle or 0], style, is_glued)

    for i in range(count):
        code = unicode_of(raw, i)
        if code in (32, 13, 10, 9, 0xA0) or 0x2000 <= code <= 0x200A:
            if letters:
                yield piece()
                letters = []
            is_glued = False
            continue
        origin_of(raw, i, at_x, at_y)
        off = y.value - start_y if is_upright else x.value - start_x
        if letters and (off > slack or off < -slack):
            yield piece()
            letters, is_glued = [], True
        if not letters:
            start_x, start_y = x.value, y.value
            style = styles.of(i)
            is_upright, slack = (
                (style.angle or 0) % 2 == 0,
                math.inf if style.angle is None else _LOWERED_BY * style.size,
            )
        letters.append("-" if code in _HYPHENS else chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else "")
        last = i
    if letters:
        yield piece()


class _Styles:
    """Styles of characters; those of one text object have one, which is asked for once."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._last: tuple[int | None, _Style] | None = None

    def of(self, i: int) -> _Style:
        shape = pdfium.FPDFText_GetTextObject(self._raw, i)
        address = ctypes.cast(shape, ctypes.c_void_p).value
        if self._last is None or self._last[0] != address or address is None:
            self._last = address, _style(self._raw, i, shape)
        return self._last[1]


def _style(raw: Any, i: int, shape: Any) -> _Style:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(raw, i, matrix)
    size = pdfium.FPDFText_GetFontSize(raw, i) * math.hypot(matrix.c, matrix.d)
    turns = math.degrees(math.atan2(matrix.b, matrix.a)) / 90
    angle = round(turns) % 4 if abs(turns - round(turns)) < 0.05 else None
    colour = [ctypes.c_uint() for _ in range(4)]
    is_stated = pdfium.FPDFText_GetFillColor(raw, i, *colour)
    *rgb, opacity = (c.value for c in colour)
    is_white = bool(is_stated) and (min(rgb) >= 250 or opacity <= 5)
    is_bold = pdfium.FPDFText_GetFontWeight(raw, i) >= _BOLD
    if not is_bold:
        name = ctypes.create_string_buffer(64)
        pdfium.FPDFText_GetFontInfo(raw, i, name, 64, ctypes.c_int())
        is_bold = bool(_BOLD_NAME.search(name.value))
    is_drawn = pdfium.FPDFTextObj_GetTextRenderMode(shape) not in _INVISIBLE_MODES
    return _Style(size, angle, is_bold, is_white, is_drawn)


def _is_seen(piece: _Piece, marks: list[Box], has_image: bool) -> bool:
    style = piece.style
    if style.size < _LEAST_SIZE or (not style.is_drawn and not has_image):
        return False
    if not style.is_white or not style.is_drawn:
        return True
    return any(m.left <= piece.x <= m.right and m.top - 1 <= piece.y <= m.bottom + 1 for m in marks)


def _graphics(page: Any) -> tuple[list[Box], list[Box], bool]:
    """What can lie behind white text, the thin horizontal or vertical lines, and whether there is an image."""
    marks: list[Box] = []
    rules: list[Box] = []
    has_image = False
    corners = [ctypes.c_float() for _ in range(4)]
    for i in range(pdfium.FPDFPage_CountObjects(page)):
        shape = pdfium.FPDFPage_GetObject(page, i)
        kind = pdfium.FPDFPageObj_GetType(shape)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT or not pdfium.FPDFPageObj_GetBounds(shape, *corners):
            continue
        box = Box(*(c.value for c in corners))  # in the file's coordinates: "top" is the lower edge
        has_image = has_image or kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
        width, height = box.right - box.left, box.bottom - box.top
        if kind != pdfium.FPDF_PAGEOBJ_PATH or (_is_dark(shape) and min(width, height) > 3):
            marks.append(box)
        if kind != pdfium.FPDF_PAGEOBJ_PATH or pdfium.FPDFPath_CountSegments(shape) > _RECTANGLE_SEGMENTS:
            continue
        if min(width, height) <= 3 < 20 < max(width, height):
            rules.append(box)
        elif width > 20 and height > 6:
            rules += [box._replace(bottom=box.top), box._replace(top=box.bottom)]
    return marks, rules, has_image


def _is_dark(shape: Any) -> bool:
    red, green, blue, opacity = (ctypes.c_uint() for _ in range(4))
    pdfium.FPDFPageObj_GetFillColor(shape, red, green, blue, opacity)
    return opacity.value > 5 and min(red.value, green.value, blue.value) < 240


def _segments(pieces: Iterable[_Piece], place: Callable[[float, float], Any]) -> list[Segment]:
    """Pieces that follow each other on a line, raised and lowered ones with them, until a wide gap."""
    found: list[Segment] = []
    last_size = 1.0
    for piece in pieces:
        left, y = place(piece.x, piece.y)
        right, _ = place(piece.end_x, piece.end_y)
        text, size = piece.text, piece.style.size
        line = found[-1] if found else None
        if line is None or not _follows(line, left, y, size):
            found.append(Segment(text, left, right, y, size, piece.style.is_bold))
            last_size = size
            continue
        is_near = left - line.right < _LEAST_SPACE * size and not _SMALLER < size / last_size < 1 / _SMALLER
        space = "" if piece.is_glued or is_near else " "  # pdfium puts spaces where the size changes
        last_size = size
        if size < _SMALLER * line.size and line.y - y > _RAISED_BY * line.size:
            found[-1] = line._replace(text=_with_raised(line.text, space, text), right=right)
        elif size < _SMALLER * line.size and y - line.y > _LOWERED_BY * line.size:
            found[-1] = line._replace(text=line.text + space + text, right=right)
        elif line.size < _SMALLER * size and y - line.y > _RAISED_BY * size:
            space = space if _ISOTOPE.fullmatch(line.text) else " "  # a note's mark, or 99m of 99mTc, stands first
            found[-1] = Segment(line.text + space + text, line.left, right, y, size, piece.style.is_bold)
        else:
            is_bold = piece.style.is_bold if len(text) > len(line.text) else line.is_bold
            found[-1] = Segment(line.text + space + text, line.left, right, line.y, max(size, line.size), is_bold)
    return found


def _follows(line: Segment, left: float, y: float, size: float) -> bool:
    larger = max(line.size, size)
    reach = 0.6 if min(line.size, size) < _SMALLER * larger else 0.12
    return abs(y - line.y) < reach * larger and -0.5 * larger < left - line.right < _CELL_GAP * larger


def _with_raised(before: str, space: str, raised: str) -> str:
    """``before`` with a raised text: an exponent raised in Unicode, an ordinal's letters, no number of a note."""
    base = before.rstrip()
    if _SIGNED.fullmatch(raised) or (raised.isdigit() and _BASE.search(base)):
        return base + raised.translate(_RAISED)
    if _MARK.fullmatch(raised) and base:
        return before  # "5 mg" with note 12 is not "5 mg12"
    return before + space + raised


def rows_of(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Segments by baseline from the top, each row from the left."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: (s.y, s.left)):
        if rows and abs(segment.y - rows[-1][0].y) <= 0.4 * min(segment.size, rows[-1][0].size):
            rows[-1].append(segment)
        else:
            rows.append([segment])
    return [sorted(row, key=lambda s: s.left) for row in rows]
