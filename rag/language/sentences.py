"""Sentence boundaries of biomedical prose.

Rules, not a model. A boundary may lie where sentence-ending punctuation is followed by something that can start a
sentence, or where a line ends. Whether it does is decided by the word before it: most end a sentence, abbreviations do
so or not by what follows them. Where both readings are likely, the sentences stay together: half a sentence misleads
more than two.

Every step looks at a bounded stretch of text around a candidate, so that the time is linear whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CITATION = (
    r"(?:\s?\[\d[\d,;\s–-]*+\]|[¹²³⁰⁴-⁹][¹²³⁰⁴-⁹⁻,–-]*+"
    # A superscript that lost its height: after a word, a parenthesis or a percentage, never after a number.
    r"|(?<=[^\W\d_]{2}[.!?]|.[)\]%][.!?])\d{1,3}(?:[,–-]\d{1,3}|\s\d{1,3}(?=\s[A-Z\d]))*+(?=\s))?+"
)
#: Capitals, figures, Greek letters, and words that keep a small first letter: aPTT, pH, mRNA, p53, c-Myc, n = 5.
_START = (
    r"[\"'“‘(\[«]*(?:[A-ZÀ-ÖØ-Þ0-9Α-Ωα-ωµ]|[a-z]{1,4}[A-Z]|[a-z]{1,2}\d|[a-z]-[A-Z\d]|n\s?=|[~∼≈<>≤≥±−]\s?\d)"
    r"|[(\[][a-z](?:(?!\))|\)\s[A-Z])"
)
_BULLET = r"(?:[-–—•*▪◦·]\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})\)\s)"
#: The heading of a part of an abstract, in capitals: "RESULTS:", "METHODS AND RESULTS:".
_PART = r"[A-Z]{3,}(?:\s?[/&,]?\s?[A-Z]{2,}){0,4}:\s"
#: One character class comes first, so that the scan for candidates is quick; what it found is asked for after it.
_CANDIDATE = re.compile(
    r"[.!?…\n](?:"
    rf"(?<=\n)[^\S\n]*+(?:(?P<paragraph>\n\s*+)|(?P<item>(?={_BULLET}))"
    r"|(?P<number>(?=(?:\d{1,2}|[a-z])\.\s+[A-Z]))|(?P<line>(?=[A-Z])))"
    rf"|(?<!\n)(?<![.!?…]{{2}})[.!?…]*+[\"'’”»)\]]*+{_CITATION}"
    rf"(?:(?P<space>\s++)(?={_START})|(?P<part>)(?={_PART})|(?<=[.!?)\]”])(?P<glued>)(?=[A-Z][a-z]*+[\s,])))"
)
_NEW_ITEM = re.compile(rf"\s*\n\s*(?:\n|{_BULLET})")

#: Never end a sentence.
_NEVER = frozenset(
    "Dr Drs Prof Mr Mrs Ms Messrs St Lt Col Sgt Capt vs e.g i.e cf Cf approx Approx ca viz incl excl max subsp ssp "
    "var cv N.B Suppl Dept Univ".split()
)
#: Stand before a number; anything else after them starts a sentence. So do dotted small letters (i.v., b.i.d.).
_BEFORE_NUMBER = frozenset(
    "no nos fig figs ref refs eq eqs tab sect sec ch chap vol v p pp chr temp etc resp sp spp tabs inc ltd "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
#: Stand before a name or within one; only a word that is none ends them. So do initials and dotted capitals (U.S.).
_BEFORE_NAME = frozenset(
    "al Jr Sr Co Corp Eds Ed Am Br Eur Int Scand Ann Arch Proc Natl Acad Sci Engl Med Intern Clin Invest Exp Mol Biol "
    "Chem Biochem Pharmacol Ther Res Rev Nat Immunol Pathol Physiol Pediatr Obstet Gynecol Neurol Oncol Cardiol Surg "
    "Haematol Hematol Thromb Haemost Infect Dis Epidemiol Microbiol Respir Crit Dig Nutr Psychiatr Radiol Dermatol "
    "Gastroenterol Endocrinol Nephrol Urol Toxicol Genet Lett".split()
)
_NO_NAMES = (
    "A After All Also Although Among An And Another Are As At Because Before Both But By Conversely Do Does "
    "During Each Few Finally First For From Further Furthermore He Hence Her Here His How However If In Is It "
    "Its Many Moreover Most Neither No None Nor Not Of On Only Other Others Our Over Overall Several She "
    "Similarly Since So Some Such Than That The Their Then There Therefore These They This Those Thus To "
    "Under Until We What When Where Whereas Whether Which While Who Why With Within Without Yet One Two Three "
    "Four Five Six Seven Eight Nine Ten Eleven Twelve"
).split()
_NO_NAME = re.compile(rf"[\"'“‘(\[]?(?:{'|'.join(_NO_NAMES)})(?=[\s,:])")
_DOTTED = re.compile(r"(?:[A-Za-z]{1,2}\.\d?-?)+[A-Za-z]{1,2}")
#: Dotted capitals that measure something, and so are not part of a name.
_MEASURES = frozenset("S.D S.E S.E.M I.U".split())
#: Capitalized words and short ones whose second part may be a single capital: Child-Pugh C, hepatitis B.
_LETTERED = re.compile(
    r"(?:vitamin|hepatitis|influenza|ha?emophilia|immunoglobulin|protein|factor|HIT|Child[-–]Pugh|CTP|class|type|group|"
    r"grade|stage|phase|arm|cohort|category|table|figure|appendix|panel)",
    re.IGNORECASE,
)
#: Small words of four letters and more that stand before a person's initial.
_BEFORE_PERSON = frozenset("from with than that both between against versus when while thank thanks author".split())
#: What a sentence begins with but does not end with: the number of a list, "Step 1.", "Fig. 3.".
_LABEL = re.compile(
    r"[\"'“(\[]*(?:\d{1,2}(?:\.\d{1,2})*|[A-Za-z]|[IVXivx]{1,5}|"
    r"(?:Step|Fig\.|Figure|Table|Box|Recommendation|Question|Statement|Appendix|Chapter|Section|Part|Case) "
    r"(?:\d{1,2}[A-Za-z]?|[A-Z]))\."
)
_OPENING = "\"'“‘([«"
#: A number, or what a number stands for, after an abbreviation.
_NUMBER = re.compile(r"[(\[]|[~∼≈<>≤≥±−]?\s?[A-Z]?\d")
#: What may join an abbreviation to a word before it: i.v./p.o.
_INNER = re.compile(r"[/(\[]")
#: A word or a decimal number, perhaps in parentheses or with a unit sign.
_PLAIN = re.compile(r"[(\[\"'“‘]*(?:\d+(?:\.\d+)?|[^\W\d_]{3,}(?:[-–/][\w]+)*|[\w–-]+(?=[)\]%]))[)\]%\"'’”]*")
#: How a line ends that goes on in the next.
_OPEN_WORDS = frozenset(
    "a an the of in to by at on as for or and with from than is are was were be been that which not per after before "
    "between against versus vs".split()
)
_OPEN_MARKS = frozenset(",;(–-")
_TAIL, _LONGEST_LABEL, _LONGEST_ITEM, _LONGEST_ASIDE = 40, 24, 30, 200


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of the sentences of ``text``, in order, without surrounding white space.

    Together they cover everything but white space. A text without one has no sentences.
    """
    spans: list[tuple[int, int]] = []
    start = len(text) - len(text.lstrip())
    for match in _CANDIDATE.finditer(text, start):
        if _ends_sentence(text, start, match):
            spans.append((start, start + len(text[start : match.end()].rstrip())))
            start = match.end()
    if start < len(text):
        spans.append((start, len(text.rstrip())))
    return spans


def sentences(texts: Iterable[str]) -> tuple[str, ...]:
    """The sentences of all texts, in order; none of an empty one."""
    return tuple(text[start:end] for text in texts for start, end in sentence_spans(text))


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    kind, stop = match.lastgroup, match.start()
    if kind in ("paragraph", "item", "part"):
        return True
    if kind in ("number", "line"):
        line = text[max(start, stop - _TAIL) : stop].rstrip()
        return not _goes_on(line) and (kind == "number" or _is_item(line))
    if kind == "space" and "\n" in match[0] and _NEW_ITEM.match(text, match.start("space")):
        return True
    if _is_in_aside(text, start, match) or (kind == "glued" and not _is_plain(text[max(start, stop - _TAIL) : stop])):
        return False
    if text[stop] != ".":
        return True
    if stop - start < _LONGEST_LABEL and _LABEL.fullmatch(text, start, stop + 1):
        return False
    return _word_ends(text[max(start, stop - _TAIL) : stop].rsplit(None, 3), text, match.end())


def _goes_on(line: str) -> bool:
    """Whether a line without a stop ends within a phrase, so that what looks like an item after it is none."""
    return line[-1:] in _OPEN_MARKS or line.rpartition(" ")[2] in _OPEN_WORDS


def _is_item(line: str) -> bool:
    """Whether a line without a stop, before one with a capital, is a heading or an item of a list, or leads to one.

    ``line`` is the sentence so far, or its end if it is longer than any item; the lines of a column are longer too.
    """
    return line.endswith(":") or (len(line) <= _LONGEST_ITEM and "\n" not in line)


def _is_plain(tail: str) -> bool:
    """Whether a stop without a space after it follows a word or a number, not part of an address, a gene or a name."""
    words = tail.split()
    return bool(words) and bool(_PLAIN.fullmatch(words[-1]))


def _is_in_aside(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the boundary would cut a parenthesis that opens after the start of the sentence and closes soon."""
    end = match.end()
    low = max(start + 1, end - _LONGEST_ASIDE)
    opened = text.rfind("(", low, match.start())
    if opened < 0 or text.find(")", opened, end) >= 0:
        return False
    closed = text.find(")", end, end + _LONGEST_ASIDE)
    return closed >= 0 and text.find("(", end, closed) < 0


def _word_ends(words: list[str], text: str, following: int) -> bool:
    """Whether the last of ``words`` and its full stop end a sentence before ``text[following:]``."""
    token = words[-1].lstrip(_OPENING) if words else ""
    word = _INNER.split(token)[-1]
    if word in _NEVER:
        return False
    is_initial = len(token) == 1 and token.isupper() and not (token == words[-1] and _is_letter(words))
    is_dotted = "." in word and word not in _MEASURES and bool(_DOTTED.fullmatch(word))
    if is_initial or word in _BEFORE_NAME or (is_dotted and word[-1].isupper()):
        return bool(_NO_NAME.match(text, following))
    if is_dotted or word.lower() in _BEFORE_NUMBER:
        return not _NUMBER.match(text, following)
    return True


def _is_letter(words: list[str]) -> bool:
    """Whether the single capital at the end of ``words`` is a letter or a unit (hepatitis B, 5 L), not an initial."""
    if len(words) < 2:
        return False
    before = words[-2].lstrip(_OPENING)
    if before in ("and", "or", "to") and len(words) > 2:
        return len(words[-3].lstrip(_OPENING)) == 1
    is_small_noun = len(before) > 3 and before.isalpha() and before.islower() and before not in _BEFORE_PERSON
    return is_small_noun or before[-1:].isdigit() or bool(_LETTERED.fullmatch(before))
