"""Identifiers of patients in questions: found as spans, and masked.

Rules, not a model: titles and words that lead to a name, labels of numbers, and forms that hardly anything else has
(e-mail addresses, telephone numbers, an NHS number whose check digit is right). What a question is about stays: ages,
doses, counts, scores, dates of what happened, eponyms, names of drugs, trials and authors. A name that nothing leads to
is not found, so that masking lessens what is stored of a person and does not make it anonymous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Literal, NamedTuple, get_args

from rag.language.lexicon import Lexicon, folded
from rag.language.terms import GENERIC_WORDS, STOP_WORDS

IdentifierKind = Literal[
    "name", "date of birth", "record number", "NHS number", "social security number", "phone", "e-mail", "address"
]

#: A word of a name: "Sample", "O'Sample", "McSample", "Sample-Example"; after a title also in capitals.
_WORD = r"(?:(?:[A-Z]['’])?[A-Z][a-zà-öø-ÿ]+(?:[A-Z][a-z]+)?(?:['’-][A-Z][a-zà-öø-ÿ]+)*)"
_INITIAL = r"(?:[A-Z]\.\s?)"
_PARTICLE = r"(?:(?:van|von|de|der|den|la|del|di|da|bin|al|ter)\s+)"
_FULL = rf"{_INITIAL}{{0,3}}{_PARTICLE}{{0,2}}{_WORD}(?:\s+{_INITIAL}{{0,2}}{_PARTICLE}{{0,2}}{_WORD}){{0,3}}"
_TITLED = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Mister|Missus|Dr|Prof|Professor)\b\.?\s+(?P<name>{_FULL}|[A-Z]{{3,}}\b)")
_TITLED_SMALL = re.compile(
    r"(?:^|[.?!,;:]\s+|\b(?:for|give|should|can|could|does|did|is|has|was|in|about|treat|my patient|patient|pt)\s+)"
    r"(?:mr|mrs|ms|miss)\.?\s+(?P<name>[a-z]{3,})(?=\s*(?:,|\(|\?|$)|['’]s\b|\s+(?:has|had|is|was|with|aged|on|needs?|"
    r"takes?|have|be|get|receive|develop\w*|\d{1,3}\s?(?:y|m|f)))"
)
_PERSON = (
    r"(?:[Pp]atient|[Pp]t|[Mm]an|[Ww]oman|[Ll]ady|[Gg]entleman|[Bb]oy|[Gg]irl|[Cc]hild|[Bb]aby|[Ss]on|[Dd]aughter|"
    r"[Hh]usband|[Ww]ife|[Mm]other|[Ff]ather|[Mm]um|[Mm]om|[Dd]ad|[Bb]rother|[Ss]ister|[Rr]esident|[Cc]lient)"
)
#: "patient: Jane Sample", "my wife Jane Sample".
_LED = re.compile(rf"\b{_PERSON}(?:\s+|\s*[:,(]\s*)(?P<name>{_WORD}(?:\s+{_INITIAL}?{_WORD}){{1,2}})(?![\w-])")
#: A single word needs more: "patient Sample, 70 years".
_LED_ALONE = re.compile(
    rf"\b{_PERSON}(?:\s+|\s*[:,(]\s*)(?P<name>{_WORD})(?=\s*[,(]|['’]s\b|\s+(?:has|had|is|was|who|aged|takes|needs|\d))"
)
_INITIALS = re.compile(rf"\b(?:{_PERSON}|[Ii]nitials)\s*:?\s+(?P<name>[A-Z]\.\s?[A-Z]\.(?:\s?[A-Z]\.)?)")
_NAMED = re.compile(
    rf"\b(?:(?:{_PERSON}|who|[Ss]?[Hh]e)(?:\s+(?:is|was))?\s+(?:named|called)|(?:"
    r"[Mm]y|[Hh]is|[Hh]er|[Tt]he|[Pp]atient|[Ss]ur|[Ll]ast|[Ff]irst|[Ff]ull|[Pp]t)?"
    r"(?:['’]s)?\s?[Nn]ame(?:\s+is|\s*:)|[Nn]ame\s*[:=])\s*(?P<name>" + _FULL + ")"
)
#: A name before what only stands beside one: "Sample, Jane (DOB", "Jane Sample, MRN", "Jane Sample, 67F".
_BEFORE_NUMBER = re.compile(
    rf"(?P<name>{_WORD}(?:,\s+|\s+{_INITIAL}?){_WORD}(?:\s+{_WORD})?)(?=\s*[,(-]*\s*(?:\(?\s*)?(?:DOB|D\.O\.B|"
    rf"MRN|NHS\b|"
    r"[Dd]ate of birth|born (?:on )?\d|[Hh]ospital (?:no|number)|[Pp]atient (?:ID|id)))"
)
_BEFORE_AGE = re.compile(
    rf"(?:^|[.?!]\s+)(?P<name>{_WORD}\s+{_INITIAL}?{_WORD})(?=,?\s+\(?(?:\d{{1,3}}\s?(?:[MF]\b|yo\b|y/o\b|-?\s?years?)|"
    r"is an? \d{1,3}|aged \d))"
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
_DATE = (
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:19|20)?\d\d|(?:19|20)\d\d[/.-]\d{{1,2}}[/.-]\d{{1,2}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?[\s-]+(?:of\s+)?{_MONTH}[\s,-]+(?:19|20)?\d\d|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+"
    r"(?:19|20)\d\d|(?:19|20)\d{6}|\d{2}(?:0[1-9]|1[0-2])(?:19|20)\d\d)"
)
_BORN = re.compile(
    r"(?:\bDOB|\bD\.O\.B\.?|\bdate of birth|\bbirth ?date|\bbirthday|\bborn(?: on)?|\bb\.)(?:\s+(?:is|was))?"
    r"\s*[:=(]?\s*"
    rf"(?P<date>{_DATE})(?!\d)",
    re.IGNORECASE,
)
_NUMBERED = r"(?:number|num\b|no\b\.?|nr\b\.?|id\b|identifier|#)"
_RECORD = re.compile(
    r"\b(?:MRN|M\.R\.N\.?|URN|NHI|EMPI|medical record(?: " + _NUMBERED + r")?|health record(?: " + _NUMBERED + ")?|"
    r"(?:hospital|hosp\.?|patient|record|chart|case|unit|encounter|admission|account|insurance|policy|"
    r"membership|member|"
    r"Medicare|Medicaid|CHI|PAS|UR|passport|identity|file|specimen|accession)\s?" + _NUMBERED + r"|patient\s?id|CHI)"
    r"(?:\s+(?:is|"
    r"was))?\s*[:#=(]*\s*(?P<number>(?=[A-Z\d/-]*\d[A-Z\d/-]*\d)[A-Z]{0,4}[-/]?\d[\dA-Z/-]{3,}(?:\s\d{2,6})*)",
    re.IGNORECASE,
)
_NHS = re.compile(
    r"(?P<label>\bNHS(?:\s?"
    + _NUMBERED
    + r")?(?:\s+is)?\s*[:#=]?\s*)?(?<!\d)(?P<number>\d{3}[ -]?\d{3}[ -]?\d{4})(?![\d.])",
    re.IGNORECASE,
)
_SSN = re.compile(
    r"(?<![\d-])(?P<number>(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4})(?![\d-])"
    r"|\b(?:SSN|social security(?: "
    + _NUMBERED
    + r")?)(?:\s+is)?\s*[:#]?\s*(?P<labelled>\d{3}[ -]?\d\d[ -]?\d{4})(?!\d)",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"\b(?:tel(?:ephone)?|phone|mobile|cell(?:phone)?|fax|ring|contact|call(?: back)?|reach(?:able)?)\b"
    r"(?:\s+(?:number|no\.?|is|on|at|him|her|me|them))*\s*[:.]?\s*(?P<labelled>\+?\(?\d[\d\s()./-]{5,18}\d)"
    r"|(?<![\w.+])(?P<foreign>\+\d{1,3}[\s.-]?\(?\d{1,4}\)?(?:[\s.-]?\d{2,4}){2,4})(?![\w])"
    r"|(?<![\w.])(?P<american>\(\d{3}\)\s?\d{3}[-.\s]\d{4}|\d{3}([-.])\d{3}\4\d{4})(?![\w])"
    r"|(?<![\w./-])(?P<british>0\d{2,4}[ -]?\d{3,4}[ -]?\d{3,4})(?![\w./])",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z\d-]+(?:\.[A-Za-z\d-]+)+")
_AREAS = (
    "AB|AL|B|BA|BB|BD|BH|BL|BN|BR|BS|BT|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|"
    "FK|FY|G|GL|GU|HA|HD|"
    "HG|HP|HR|HS|HU|HX|IG|IP|IV|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|"
    "PH|PL|PO|PR|RG|RH|RM|S|"
    "SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE"
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|"
    "OK|OR|PA|RI|SC|SD|TN|"
    "TX|UT|VT|VA|WA|WV|WI|WY"
)
_STREETS = (
    r"(?:Street|Road|Avenue|Lane|Drive|Close|Court|Boulevard|Way|Place|Crescent|Terrace|Gardens|Grove|Square|Mews|Hill|"
    r"Park|Row|Walk)\b|(?:St|Rd|Ave|Ln|Blvd)\b\.?"
)
_ADDRESS = re.compile(
    rf"\b(?:(?:[Ff]lat|[Aa]pt\.?|[Aa]partment|"
    rf"[Uu]nit)\s+\w{{1,4}},?\s+)?\d{{1,5}}[A-Za-z]?,?\s+(?:{_WORD}\s+){{1,3}}(?:{_STREETS})"
    rf"|\b(?:{_AREAS})\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{{2}}\b"
    rf"|(?<=[a-z], )(?:{_STATES}) \d{{5}}(?:-\d{{4}})?\b"
    r"|(?<=\b[Zz][Ii][Pp] )\d{5}(?:-\d{4})?\b|(?<=\b[Zz][Ii][Pp] code )\d{5}(?:-\d{4})?\b"
)
#: Endings of words that are no names, where nothing but their place says that they may be.
_CLINICAL = re.compile(
    r"(?:itis|osis|emia|aemia|pathy|ology|ectomy|oma|al|ic|ory|ive|ing|ed|ion|ous|ary|ism|mab|nib|statin|parin|"
    r"gram|scopy|"
    r"graphy|lysis|syndrome|therapy|failure|uria|cyte|penia|ment|ness|ble|ly|ent|ant)$",
    re.IGNORECASE,
)
#: Eponyms and other words that stand before what is named after them.
_EPONYMS = frozenset(
    "child pugh wells cockcroft gault mayo glasgow geneva milan apgar ranson crohn graves addison cushing marfan "
    "turner hodgkin parkinson alzheimer kawasaki sjogren behcet budd chiari wilson gilbert barrett lynch ehlers danlos "
    "glanzmann bernard soulier evans felty hashimoto raynaud takayasu wegener osler".split()
)
_LONGEST_LABEL = 40
_NUMBER_DIGITS = range(7, 16)


_MASK = re.compile("|".join(rf"\[{kind}\]" for kind in get_args(IdentifierKind)))
#: Titles and labels before what is blank.
_LABEL = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Miss|Mx|Mister|Missus|Dr|Prof|Professor)\b\.?|\b(?:MRN|URN|NHI|EMPI|NHS|CHI|SSN|DOB|"
    r"D\.O\.B\.?|tel|"
    r"telephone|phone|mobile|e-?mail|address|postcode|zip(?: code)?|born(?: on)?|named|called|date of birth|"
    r"social security|"
    r"(?:(?:medical |health )?record|hospital|hosp\.?|patient|chart|case|unit|account|insurance) ?(?=number|"
    r"no\b|id\b|#))"
    r"(?:\s?(?:number|no\.?|id|#))?(?:\s(?:is|was))?)[\s:#=(]*$",
    re.IGNORECASE,
)


class Identifier(NamedTuple):
    """What in a text tells who somebody is: ``text[start:end]``."""

    kind: IdentifierKind
    start: int
    end: int


class Masked(NamedTuple):
    """A text with what stands for each identifier in brackets, and the kinds of them, in order of appearance."""

    text: str
    kinds: tuple[IdentifierKind, ...]


def masked(text: str) -> Masked:
    """``text`` with every identifier replaced by its kind: "Mr [name], born [date of birth], on argatroban"."""
    found = identifiers(text)
    for item in reversed(found):
        text = f"{text[: item.start]}[{item.kind}]{text[item.end :]}"
    return Masked(text, tuple(dict.fromkeys(item.kind for item in found)))


def blanked(text: str) -> str:
    """``text``, as long as it is, with spaces for identifiers and for what stands in their place, and for the titles
    and labels before them: what is left is what is asked.
    """
    spans = [(item.start, item.end) for item in identifiers(text)] + [m.span() for m in _MASK.finditer(text)]
    for start, end in spans:
        label = _LABEL.search(text, max(0, start - _LONGEST_LABEL), start)
        first = label.start() if label else start
        text = text[:first] + " " * (end - first) + text[end:]
    return text


def identifiers(text: str) -> list[Identifier]:
    """Identifiers in order of appearance; they do not overlap."""
    found: list[Identifier] = []
    for find in _FINDERS:
        for item in find(text):
            if not any(other.start < item.end and item.start < other.end for other in found):
                found.append(item)
    return sorted(found, key=lambda item: item.start)


def is_nhs_number(digits: str) -> bool:
    """Whether ten digits have the right check digit: modulus 11, weights 10 to 2 (NHS Data Dictionary)."""
    if len(digits) != 10 or not digits.isdigit() or len(set(digits)) == 1:
        return False
    check = 11 - sum(weight * int(d) for weight, d in zip(range(10, 1, -1), digits, strict=False)) % 11
    return check % 11 == int(digits[9]) and check != 10


def _names(text: str) -> Iterator[Identifier]:
    for match in _TITLED.finditer(text):
        yield from _name(text, *match.span("name"), is_led=True)
    for pattern in (_NAMED, _BEFORE_NUMBER, _LED, _LED_ALONE, _BEFORE_AGE):
        for match in pattern.finditer(text):
            yield from _name(text, *match.span("name"), is_led=pattern in (_NAMED, _BEFORE_NUMBER))
    for match in _INITIALS.finditer(text):
        yield Identifier("name", *match.span("name"))
    for match in _TITLED_SMALL.finditer(text):
        if _may_be_name(match["name"], is_led=False):
            yield Identifier("name", *match.span("name"))


def _name(text: str, start: int, end: int, *, is_led: bool) -> Iterator[Identifier]:
    """The words of a possible name up to the first that is none; without one that leads to it, all must be."""
    kept = start
    for n, match in enumerate(re.finditer(r"[^\s,]+", text[start:end])):
        word = match[0].rstrip(".").removesuffix("'s").removesuffix("’s")
        is_small = word.islower() or len(word) == 1
        if not is_small and not _may_be_name(word, is_led=is_led and n == 0):
            if not is_led:
                return
            break
        if not is_small:
            kept = start + match.start() + len(word)
        elif len(word) == 1:
            kept = start + match.end()
    if kept > start:
        yield Identifier("name", start, kept)


@cache
def _lexicon() -> Lexicon:
    return Lexicon.load()


def _may_be_name(word: str, *, is_led: bool) -> bool:
    """Whether a word can be of a name. After a title even one that names a condition can be, such as Wells or Child."""
    key = folded(word)
    if key in STOP_WORDS or key in GENERIC_WORDS:
        return False
    mentions = _lexicon().mentions(word)
    if is_led:
        return not any(m.kind in {"test", "procedure", "drug", "drug_class"} for m in mentions)
    parts = re.split(r"[-'’]", key)
    # Short words are in the lexicon as part of names, such as the John of St John's wort.
    is_known = mentions or any((len(p) > 4 and p in _lexicon().words) or p in _EPONYMS for p in parts)
    return not is_known and not _CLINICAL.search(key)


def _births(text: str) -> Iterator[Identifier]:
    return (Identifier("date of birth", *m.span("date")) for m in _BORN.finditer(text))


def _records(text: str) -> Iterator[Identifier]:
    return (Identifier("record number", *m.span("number")) for m in _RECORD.finditer(text))


def _national(text: str) -> Iterator[Identifier]:
    for match in _NHS.finditer(text):
        if match["label"] or is_nhs_number(re.sub(r"\D", "", match["number"])):
            yield Identifier("NHS number", *match.span("number"))
    for match in _SSN.finditer(text):
        yield Identifier("social security number", *match.span("number" if match["number"] else "labelled"))


def _phones(text: str) -> Iterator[Identifier]:
    for match in _PHONE.finditer(text):
        group = next(name for name, number in match.groupdict().items() if number)
        digits = sum(c.isdigit() for c in match[group])
        if digits in (range(10, 12) if group == "british" else _NUMBER_DIGITS):
            yield Identifier("phone", match.start(group), match.start(group) + len(match[group].rstrip(" ./-(")))


def _emails(text: str) -> Iterator[Identifier]:
    return (Identifier("e-mail", m.start(), m.end()) for m in _EMAIL.finditer(text))


def _addresses(text: str) -> Iterator[Identifier]:
    return (Identifier("address", m.start(), m.end()) for m in _ADDRESS.finditer(text))


#: Of two that overlap the first counts.
_FINDERS: tuple[Callable[[str], Iterable[Identifier]], ...] = (
    _emails, _births, _records, _national, _phones, _addresses, _names,
)  # fmt: skip
