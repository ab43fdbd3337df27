"""Values told anew without their names, and what stands for one: "it's 2", "it's micromol/L", "how much is that?"."""

from __future__ import annotations

import re

from rag.conversation.context import Context
from rag.conversation.values import UNIT, Value, bare, values

#: That it was measured again, which says nothing of how it is.
_AGAIN = (
    r"(?:(?:i|we|they|he|she) (?:have |'ve |just |now )*(?:re-?)?(?:counted|checked|calculated|measured|scored|tested|"
    r"assessed|added|did|done|repeated)(?: (?:it|that|this|them|again|up|twice|the (?:score|count|test|value)))*"
    r"(?:,? (?:and|but)|[,:;])? )"
)
_MEASURED_AGAIN = re.compile(rf"^{_AGAIN}", re.IGNORECASE)
#: Not "it was 2 days ago": what follows is the figure, and nothing else.
_IT_IS = re.compile(
    rf"^{_AGAIN}?(?:(?:if|when|once) )?(?:it|that|this|they|these|those)"
    r"(?:'s|'re| is| are| was| were| rises? to| falls? to| drops? to| goes to| go to| comes? to| came to|"
    r" turns? out to be| should be)(?: (?:now|really|actually|only|just|in fact|in))*\s+(?=\S)",
    re.IGNORECASE,
)
_AT = re.compile(r"^(?:at|of|to|for|with|in|say)\s+", re.IGNORECASE)
_MANY = re.compile(r"^(?:if |when |once )?(?:they|these|those)\b", re.IGNORECASE)
_CLASS = re.compile(r"^(?:(?:it's |it is )?(?:class |grade |score )?)(?P<letter>[ABC])$")
_UNIT_ALONE = re.compile(rf"^(?P<unit>{UNIT})$", re.IGNORECASE)
_NUMBER_OF = re.compile(r"^[^\d]*\d[\d.,]*(?:\s*(?:-|–|to)\s*\d[\d.,]*)?")
#: What is asked of a figure and of no drug.
_CONVERTED = re.compile(
    r"(?P<before>\b(?:how much|what) (?:is|would|are|was)|\bconvert) (?P<it>it|that|this|they)(?: be)?"
    rf"(?= (?:in|to) {UNIT})",
    re.IGNORECASE,
)
_OF_A_PERSON = ("age", "body weight")


def without_measuring(text: str) -> str:
    """Without the words that it was measured again: "it's 2" of "I recounted and it's 2"."""
    return _IT_IS.sub("", text) if _MEASURED_AGAIN.match(text) and _IT_IS.match(text) else text


def named(context: Context, told: str) -> str:
    """A figure, a unit or a class alone with the name of the value that it is of; any other words as they are.

    It is of the last value that was spoken of and that the question before has; of a platelet count where there is one
    and "they" stand for it. A unit alone goes with the figure of the last value that has a unit.
    """
    if values(told):
        return told
    letter = _CLASS.match(_AT.sub("", told))
    if letter and any(v.key == "Child-Pugh class" for v in context.base.values):
        return f"Child-Pugh {letter['letter']}"
    said = _IT_IS.sub("", told)
    unit = _UNIT_ALONE.match(_AT.sub("", said))
    figure = bare(said) or bare(_AT.sub("", told))
    name, number = _last(context, is_many=bool(_MANY.match(told)), has_unit=bool(unit))
    if name and unit and number:
        return f"{name} {number} {unit['unit']}"
    return f"{name} {figure}" if name and figure else told


def told_anew(context: Context, told: str) -> str:
    """As ``named`` for a fact, "it's 2", where it can be of one value only; any other words as they are."""
    is_of_one = len({v.key for v in _measured(context)}) == 1 or _MANY.match(told)
    is_unit = _UNIT_ALONE.match(_IT_IS.sub("", told))
    return named(context, told) if _IT_IS.match(told) and (is_of_one or is_unit) else told


def is_bare(told: str) -> bool:
    """Whether it is a figure with no more than a pronoun for its name: "it's 5"."""
    return bool(_IT_IS.match(told) and bare(_IT_IS.sub("", told)))


def converted(context: Context, text: str) -> str:
    """ "How much is creatinine 490 mg/dL in ..." of "how much is that in ..."."""
    measured = _measured(context)
    if not measured:
        return text
    said = measured[-1].said(context.text)
    return _CONVERTED.sub(lambda m: f"{m['before']} {said}", text)


def _last(context: Context, is_many: bool, has_unit: bool) -> tuple[str, str]:
    """Name and number, as they were typed, of the value that was spoken of last; nothing where there is none."""
    keys = {v.key for v in _measured(context)}
    if is_many and "platelet count" in keys:
        keys = {"platelet count"}
    for text in (*(turn.asked for turn in reversed(context.turns)), context.text):
        found = [v for v in values(text) if v.key in keys]
        if has_unit:
            found = [v for v in found if re.search(rf"\d\s*{UNIT}$", text[v.figure : v.end], re.IGNORECASE)]
        if found:
            figure = text[found[-1].figure : found[-1].end]
            number = _NUMBER_OF.match(figure)
            return _name(found[-1], text), number[0].strip() if number else ""
    return "", ""


def _name(value: Value, text: str) -> str:
    return value.said(text).removesuffix(text[value.figure : value.end].strip()).strip(" :=(")


def _measured(context: Context) -> list[Value]:
    return [v for v in context.base.values if v.key not in _OF_A_PERSON]
