"""Sentence boundaries of biomedical prose.

Rules, not a model: a boundary is sentence-ending punctuation followed by white space and something that can start a
sentence, unless what stands before it is an abbreviation, an initial or a number of a list.
"""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r"(?:[.!?][\"'’”)\]]*(?:\[\d[\d,\s-]*\])?\s+(?=[\"'“(\[]?[A-Z0-9µαβγ])|\n\s*\n)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|e\.g|i\.e|cf|vs|viz|etc|al|approx|ca|Dr|Prof|Mr|Mrs|Ms|St|Jr|Sr|Fig|Figs|Eq|Ref|Refs|Tab|No|Nos|"
    r"Vol|Suppl|Ed|pp|resp|Inc|Ltd|i\.v|i\.m|s\.c|p\.o|b\.i\.d|t\.i\.d|q\.i\.d|q\.d|a\.m|p\.m|U\.S|U\.K|sp|spp|subsp|"
    r"var|incl|max|min|mo|wk|yr|hr|Ann|Intern|Med|Engl|J)|\b[A-Z]\.[A-Z])\.[\"'’”)\]]*$"
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of the sentences of ``text``, in order, without surrounding white space.

    Together they cover everything but white space. A text without one has no sentences.
    """
    spans, start = [], 0
    for match in _BOUNDARY.finditer(text):
        head = text[start : match.end()].rstrip()
        if "\n" not in match[0].strip(" ") and _ABBREVIATION.search(head[-12:]):
            continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, *span))]


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
