"""Sentence boundaries of biomedical prose.

Rules, not a model: a boundary is sentence-ending punctuation followed by white space and something that can start a
sentence, unless what stands before it is an abbreviation, an initial or a number of a list.
"""

from __future__ import annotations

import re

#: A sentence may start with a lower-case letter when a capital follows: aPTT, pH, eGFR, mRNA.
_BOUNDARY = re.compile(r"(?:[.!?][\"'’”)\]]*(?:\[\d[\d,\s-]*\])?\s+(?=[\"'“(\[]?(?:[A-Z0-9µαβγ]|[a-z][A-Z]))|\n\s*\n)")
_ABBREVIATION = re.compile(
    r"(?:(?<![^\s(\[\"'“.])[A-Z]|[A-Z]\.-?[A-Z]|\b(?:e\.g|i\.e|cf|vs|viz|etc|al|approx|ca|Dr|Prof|Mr|Mrs|Ms|St|Jr|Sr|"
    r"Figs?|Eq|Refs?|Tab|Vol|Suppl|Ed|pp|resp|Inc|Ltd|i\.v|i\.m|s\.c|p\.o|b\.i\.d|t\.i\.d|q\.i\.d|q\.d|a\.m|p\.m|sp|"
    r"spp|subsp|var|incl|max|Ann|Intern|Med|Engl)|(?<!\d )(?<!/)\b(?:min|mo|wk|yr|hr))\.[\"'’”)\]]*$"
)
#: A single capital that is a name's second part, not a person's initial: it may end a sentence.
_LETTERED = re.compile(
    r"\b(?:vitamin|hepatitis|influenza|haemophilia|hemophilia|immunoglobulin|protein|HIT|Pugh|CTP|class|type|group|grade|"
    r"stage|arm|cohort|category|table|figure|appendix|[A-C] (?:or|and|to)) [A-Z]\.[\"'’”)\]]*$",
    re.IGNORECASE,
)
_NUMBER_OF = re.compile(r"\b[Nn]os?\.$")
_LIST_NUMBER = re.compile(r"\(?\d{1,2}\.")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of the sentences of ``text``, in order, without surrounding white space.

    Together they cover everything but white space. A text without one has no sentences.
    """
    spans, start = [], 0
    for match in _BOUNDARY.finditer(text):
        is_paragraph_end = match[0].isspace() or match[0].count("\n") > 1
        if not is_paragraph_end and _continues(text[start : match.end()].strip(), text[match.end()]):
            continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, *span))]


def _continues(head: str, following: str) -> bool:
    """Whether the full stop that ends ``head`` is part of an abbreviation, an initial or a number of a list."""
    if _LIST_NUMBER.fullmatch(head) or (following.isdigit() and _NUMBER_OF.search(head)):
        return True
    tail = head[-20:]
    return bool(_ABBREVIATION.search(tail)) and not _LETTERED.search(tail)


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
