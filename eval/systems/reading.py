"""What is read out of prose, for every system alike: a decision, the letter of an option, a refusal.

Only what is plainly said is read. Where nothing is, the result is None: no guess is made in the system's favour, unlike
MIRAGE's own reader, which takes the first option (Xiong et al. 2024, doi:10.18653/v1/2024.findings-acl.372).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from eval.domain import Item

_DECISIONS = ("yes", "no", "maybe")
#: Not of "No trial has shown …", which decides nothing, nor of "No. 3": the word stands alone before a mark.
_LEADING = re.compile(r"\W*(yes|no|maybe)\s*(?:$|[,;:!)\]*_–—]|\.(?!\s*\d)|-\s|\n)", re.IGNORECASE)
_SAID = re.compile(
    r"\b(?:(?:final\s+)?answer|decision|conclusion)(?:\s+is)?\b[\s:*_\"']*(yes|no|maybe)\b(?=\W*(?:$|\n|[.,;:)]))",
    re.IGNORECASE,
)
_LETTER_SAID = re.compile(
    r"\b(?i:(?:answer|choice)(?:[_ ]choice)?[\"'*_]*\s*(?::|is\b))[\s:*_\"'(\[]*(?i:option\s+)?"
    r"([A-Z])\b(?!['’]|[ \t]+(?!because\b|since\b|as\b)[a-z])"
)
_LETTER_FIRST = re.compile(r"\W*(?:option\s+)?([A-Z])\s*(?:$|[.):,\]*]|\n)", re.IGNORECASE)
_OBJECT = re.compile(r"\{[^{}]*\}")
_KEYS = ("answer_choice", "answer", "choice", "decision")

#: How systems say that they do not answer. Looked for in the first words only: an article may say it of a detail.
_REFUSALS = re.compile(
    r"\bI(?: can(?:no|['’])t|(?: am|['’]m) (?:un|not )able to| do(?: not|n['’]t) have enough [\w ]{3,20} to)"
    r" (?:reliably |safely |confidently )?answer"
    r"|\bI (?:do not|don['’]t) know\b"
    r"|\b(?:question )?cannot be answered (?:from|with|by|on)\b"
    r"|\b(?:insufficient|not enough) (?:evidence|information|context|data) to answer\b"
    r"|\bdo(?:es)? not (?:contain|provide|have|include) (?:enough|sufficient|the|any) [\w ]{3,30} to answer\b",
    re.IGNORECASE,
)
_FIRST_WORDS = 300


def label_of(item: Item, bottom_line: str, text: str) -> str | None:
    """The class that an answer chooses: the letter of an option where the item has options, else its decision.

    A decision is read of the bottom line, else of the whole; a choice of the whole, where it may stand at the end.
    """
    if item.gold.options:
        return choice(text, item.gold.options)
    return decision(bottom_line) or decision(text)


def decision(text: str) -> str | None:
    """Yes, no or maybe, if ``text`` says so.

    That is: as a field of a JSON object ``{"answer": "yes"}``; as its first word with a mark or nothing after it ("No,
    it …"); or after "answer", "decision" or "conclusion" ("The answer is yes."), the last one if there are several.
    """
    for value in _fields(text):
        if value.lower() in _DECISIONS:
            return value.lower()
    leading = _LEADING.match(text)
    if leading:
        return leading[1].lower()
    said = _SAID.findall(text)
    return said[-1].lower() if said else None


def choice(text: str, options: Mapping[str, str]) -> str | None:
    """The letter of the option that ``text`` chooses, or None.

    Args:
        options: their words by letter, in capitals.

    That is: as a field of a JSON object, ``{"answer_choice": "B"}`` or the option's words; after "answer" or "choice"
    ("Answer: B", "The answer is (B)"), the last one if there are several; the letter alone at the beginning
    ("B. Heparin"); the option's words as the whole text; or a decision, where the options are yes, no and maybe.
    """
    by_words = {_folded(words): letter for letter, words in options.items()}
    for value in (*_fields(text), text):
        found = value.strip().upper() if value.strip().upper() in options else by_words.get(_folded(value))
        if found:
            return found
    said = [letter for letter in _LETTER_SAID.findall(text) if letter in options]
    if said:
        return str(said[-1])
    first = _LETTER_FIRST.match(text)
    if first and first[1].upper() in options:
        return first[1].upper()
    return by_words.get(decision(text) or "")


def refuses(text: str) -> bool:
    """Whether ``text`` says in its first 300 characters that it does not answer.

    Saying that there is no evidence for a treatment is an answer; "insufficient evidence to answer" is none.
    """
    return bool(_REFUSALS.search(text[:_FIRST_WORDS]))


def _fields(text: str) -> Iterator[str]:
    """Values of the answer's field in the JSON objects of ``text``."""
    for written in _OBJECT.findall(text):
        try:
            found = json.loads(written)
        except ValueError:
            continue
        yield from (found[key].strip() for key in _KEYS if isinstance(found.get(key), str))


def _folded(text: str) -> str:
    return " ".join(text.casefold().strip(" .\n\t").split())
