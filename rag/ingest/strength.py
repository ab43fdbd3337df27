"""How strong a recommendation is and how certain its evidence, where a passage states it.

Read as printed: GRADE's words and symbols, the classes and levels of cardiology (ACC/AHA, ESC), the grades of ACCP
("2C"), USPSTF, IDSA ("A-II"), SIGN and Oxford. The same words grade much else (a tumour, an association, a molecule),
so that each rule asks for its surroundings; ``tests/tables/strength.yaml`` has the cases, half of them held out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_DEGREE = r"(?:very\s+low|low|moderate|high)(?:-?\s+(?:to|or|and)\s+(?:very\s+low|low|moderate|high))?"
_WORD = r"strong|weak|conditional|discretionary"
_CLASS = r"(?:III|II\s?[ab]|I{1,2}|1|2[ab]|3)\b"
_EFFECT = r"(?:\s*:?\s*\(?(?:no\s+benefit|harm)\b\)?)?"
_LEVEL = r"(?:[ABC]-(?:NR|R|LD|EO)|[1-5][a-d]?[+-]{0,2}|IV|I{1,3}|V|[A-D])(?![\w+])"
_LEVEL_NAME = r"(?:levels?\s+of\s+evidence(?:\s+level)?|evidence\s+level|LOE)"
_MARK = r"[⨁⊕]{1,4}\s?[◯○⊝⭘O]{0,3}"
_GAP = r"[\s,;.:|()\[\]–-]{1,4}"

#: "Strong ⨁⨁◯◯", "2|⊕⊕○○".
_BEFORE_SYMBOLS = rf"\b(?P<strength>(?:{_WORD})(?=\s+{_MARK})|[12]\s?[|/]\s?{_MARK})"
#: "(low-certainty evidence)", "(5 trials; low certainty)".
_IN_BRACKETS = (
    rf"[(\[](?:[^()\[\]]{{0,120}}?[\s,;])??(?P<certainty>{_DEGREE})[\s-]+(?:certainty|quality|confidence)(?:\s+(?:of|in)"
    r"(?:\s+the)?)?(?:\s+evidence\b|\s*[),;\]])"
)
#: Patterns by a word that a text must have for them to match: most texts have none, and are done with at once.
_ANY_CASE = {
    # "strong recommendation against"; "Strength of recommendation: strong"; "class I recommendation, low certainty"
    "recommendation": (
        rf"\b(?P<hedged>(?:{_WORD}|moderate|qualified)\s+recommendation(?:\s+against)?)\b(?!\s+(?:means?|implie|indicate|"
        r"require|or\b|is\s+(?:one|made|appropriate|more|likely)|was\s+(?:withdrawn|removed|downgraded|changed)))",
        rf"\b(?:(?:strength|grade|class)\s+of\s+(?:the\s+)?recommendations?|recommendation\s+(?:strength|grade|class))"
        rf"\s*(?:\(\w+\))?\s*[:=]\s*(?P<strength>(?:{_WORD}|moderate)\b|[A-D][+-]?(?!\w)|{_CLASS}{_EFFECT})",
        rf"\b(?P<strength>class\s+{_CLASS}\s+recommendation)\b",
        r"\b(?P<strength>grade\s*:?\s*[A-D]\s+recommendation)\b",
        rf"\brecommendation(?:\s+against)?[\s,;:|.–-]{{1,3}}(?:with\s+|based\s+on\s+)?(?P<certainty>{_DEGREE})[\s-]+"
        r"(?:certainty|quality)\b",
    ),
    "strength": (rf"\bstrength\s*:\s*(?P<strength>(?:{_WORD})\b)",),
    "good practice": (
        r"(?:^|[(\[\n]|[.:;|]\s)\s*(?P<strength>(?:ungraded\s+)?good practice\s+(?:statement|point))\s*"
        r"(?=[)\]:.,;\n]|$)",
    ),
    # "Class IIa, Level of Evidence: B-NR"; "(class IIb)"; "COR 2a"
    "class": (
        rf"\b(?P<strength>class\s*:?\s*{_CLASS}{_EFFECT}){_GAP}(?:{_LEVEL_NAME}|level)\b",
        rf"\bclass\s*:?\s*{_CLASS}{_EFFECT}{_GAP}(?P<certainty>(?:{_LEVEL_NAME}|level)\s*[:=]?\s*{_LEVEL})",
        r"[(\[](?P<strength>class\s+II[ab])[)\]]",
        r"\b(?P<prospect>class\s+(?:IV|I{1,3})\s+evidence)\b",
    ),
    "cor": (
        rf"\b(?P<strength>COR\s*:?\s*{_CLASS}{_EFFECT})",
        rf"\bCOR\s*:?\s*{_CLASS}{_EFFECT}{_GAP}(?P<certainty>level\s*[:=]?\s*{_LEVEL})",
    ),
    "grade": (
        r"\b(?:assign(?:s|ed)|gives?|gave)\s+(?:it\s+|this\s+)?an?\s+(?P<strength>grade\s+[A-DI])\b"
        r"(?!\s+(?:rating|score|tumou?r|recommendation|statement))",
        rf"[(\[](?P<certainty>level\s*{_LEVEL})\s*[,;]\s*(?P<strength>grade\s+[A-D])[)\]]",
        rf"[(\[](?P<strength>grade\s+[A-D])\s*[,;]\s*(?P<certainty>level\s*{_LEVEL})",
        r"\b(?P<certainty>evidence\s+grade\s*[:=]?\s*[A-D1-4])\b",
    ),
    # "certainty of the evidence was rated as low" (not a list of what the degrees are); "LoE 2b"; "level 1b evidence"
    "evidence": (
        r"\b(?:certainty|quality|confidence|strength)\s+(?:of|in)\s+(?:the\s+)?evidence\s*(?:\(\w+\))?(?:\s*[:=]\s*|"
        r"\s+(?:was|were|is)\s+(?:(?:rated|judged|graded|assessed|considered|deemed)\s+)?(?:(?:as|to\s+be)\s+)?)"
        rf"(?P<certainty>{_DEGREE})\b(?!\s*(?:,|and\b|or\b)\s*(?:{_DEGREE})\b)",
        rf"\b(?P<prospect>{_DEGREE})[\s-]+(?:certainty|confidence)\s+(?:(?:of|in)\s+(?:the\s+)?)?evidence\b",
        r"\b(?P<prospect>very\s+low|low|moderate)[\s-]+quality\s+evidence\b",
        rf"\b(?:based\s+on|there\s+(?:is|was))\s+(?P<certainty>{_DEGREE})[\s-]+quality\s+evidence\b",
        rf"\b(?P<certainty>{_LEVEL_NAME}\s*[:=]?\s*{_LEVEL})",
        r"\b(?P<certainty>level\s+(?:[1-5][a-d]?|IV|I{1,3}|[A-C])\s+evidence)\b",
    ),
    "loe": (rf"\b(?P<certainty>LOE\s*[:=]?\s*{_LEVEL})",),
    "expert opinion": (r"(?:[(\[]|\bevidence\s*[:=]\s*)(?P<certainty>expert opinion)\s*(?:[)\].,;]|$)",),
    "certainty": (rf"\bcertainty\s*:\s*(?P<certainty>{_DEGREE})\b", _IN_BRACKETS),
    "quality": (_IN_BRACKETS,),
    "confidence": (_IN_BRACKETS,),
    "": (
        rf"[(\[](?P<strength>{_WORD})\s*[,;]\s*(?P<certainty>{_DEGREE})\b",
    ),
    "⨁": (_BEFORE_SYMBOLS,),
    "⊕": (_BEFORE_SYMBOLS,),
}  # fmt: skip
_OWN_CASE = {
    "grade": (
        r"[(\[](?P<strength>Grade\s+[12][ABC])\b",
        r"\b(?P<advised>[Gg](?:rade|RADE)\s+[12][ABC])(?=\s*(?:[.;,)\]|]|$))",
        r"\b(?P<strength>G(?:rade|RADE)\s+[12][+-])",
    ),
    "recommendation": (r"(?:\(|\b[Aa]n?\s)(?P<strength>[ABCD]\s+recommendation)\b",),
    "statement": (r"(?:\(|\b[Aa]n\s|\b[Gg]rade\s)(?P<strength>I\s+statement)\b",),
    "": (
        r"[(\[](?P<advised>[12][ABC][+-]?|[A-E]-I{1,3}|[A-C]I{2,3})[)\]](?=\s*(?:[.;,)\]|]|$))",
        r"[(\[](?P<strength>II?[ab]|I{1,3})\s*[,;]\s*(?P<certainty>[ABC](?:-(?:NR|R|LD|EO))?)[)\]]",
    ),
}
_RULES = tuple(
    (word, re.compile(rule, flags))
    for rules, flags in ((_ANY_CASE, re.IGNORECASE), (_OWN_CASE, re.NOFLAG))
    for word, patterns in rules.items()
    for rule in patterns
)
_SYMBOLS = re.compile(_MARK)
_SENTENCE_END = re.compile(r"[.;!?]\s|\n")
_OPEN_BRACKET = re.compile(r"[(\[][^()\[\]]*$")
_ADVICE = re.compile(r"\b(?:recommend|suggest|should\b|consider|indicated\b|acceptable\b|advis)", re.IGNORECASE)
#: Before "strong recommendation": it was not made, or is spoken of.
_UNMADE = re.compile(
    r"\b(?:no|not|never|cannot|unable|insufficient|neither|nor|without|rather than|instead of|previous(?:ly)?|former|"
    r"earlier|whether|if|would|could|might|withdrawn)\b|n't\b",
    re.IGNORECASE,
)
#: Before "low-certainty evidence": it is missing, or still to come.
_MISSING = re.compile(
    r"\b(?:no|not|will|further|additional|more|lack|lacking|absence|require|need|aims?|whether|if)\b", re.IGNORECASE
)
#: What is left out when two statements are compared: "Grade 2C" says what "2C" says.
_NAMES = re.compile(r"recommendation|statement|evidence|levels?|class|grade|cor\b|loe\b|\bof\b|[⨁⊕◯○⊝⭘|/()\s:=,;.]")


def stated_strength(text: str) -> tuple[str | None, str | None]:
    """Strength of the recommendation and certainty of its evidence, each an exact slice of ``text``.

    None where it is not stated, and where a passage states different ones: whose they are is then unclear.

    Example: "We suggest A (conditional recommendation, low-certainty evidence)." gives those words, "conditional
    recommendation" and "low".
    """
    strengths, certainties = list[str](), list[str]()
    for name, said in _statements(text):
        (certainties if name in {"certainty", "prospect"} else strengths).append(said)
    if not certainties:  # beside words, symbols only repeat them
        certainties = [m[0] for m in _SYMBOLS.finditer(text) if len(m[0]) > 1]
    return _agreed(strengths), _agreed(certainties)


def _statements(text: str) -> Iterator[tuple[str, str]]:
    """(name of the group, slice) of each rule's matches whose surroundings allow it."""
    lowered = text.lower()
    for word, rule in _RULES:
        for match in rule.finditer(text) if word in lowered else ():
            for name, said in match.groupdict().items():
                if said and _holds(name, text, match.start(name)):
                    yield name, said


def _holds(name: str, text: str, at: int) -> bool:
    if name not in {"hedged", "prospect", "advised"}:
        return True
    before = _said_before(text, at)
    if name == "advised":
        return bool(_ADVICE.search(before))
    is_grade = _OPEN_BRACKET.search(before)  # "Do not give B (strong recommendation)": the sentence denies B, not this
    return bool(is_grade) or not (_UNMADE if name == "hedged" else _MISSING).search(before)


def _said_before(text: str, at: int) -> str:
    """What the sentence says before ``at``; of a very long one its last 300 characters."""
    start = max(0, at - 300)
    ends = [m.end() for m in _SENTENCE_END.finditer(text, start, at)]
    return text[ends[-1] if ends else start : at]


def _agreed(said: list[str]) -> str | None:
    return said[0] if said and len({_NAMES.sub("", s.casefold()) or s for s in said}) == 1 else None
