"""What a form sends: a question, about whom, from which sources, for whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import Field, ValidationError

from api.http.asking import Ask
from api.http.fields import FilterBody
from api.http.problems import INVALID, ProblemError
from rag.domain import Frozen

#: The part of a form that may be there several times, and the one that is a list in one line: "US, GB".
_SEVERAL: Final = "evidence_types"
_LISTED: Final = "jurisdictions"
_CREATININE = Literal["mg/dL", "µmol/L"]
#: Units of what is measured and may be missing from a question, the usual one first.
UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "age": ("years",), "body weight": ("kg",), "creatinine clearance": ("mL/min",), "bilirubin": ("mg/dL", "µmol/L"),
    "platelet count": ("× 10⁹/L",), "baseline aPTT": ("s",), "potassium": ("mmol/L",), "QTc": ("ms",),
    "left ventricular ejection fraction": ("%",),
}  # fmt: skip
#: A figure, or two that are the ends of a range, without a unit: "80", "<20", "1.5-3".
_FIGURE: Final = re.compile(r"[<>≤≥~]?\s*\d+(?:[.,]\d+)?(?:\s*[-–]\s*\d+(?:[.,]\d+)?)?")
#: What each field takes, for who typed something else.
_EXPECTED: Final = {
    "question": "a question, in words", "age": "whole years from 0 to 120", "sex": "woman or man",
    "weight": "above 0 and up to 500 kg", "creatinine": "above 0 and up to 5000", "crcl": "0 to 300 mL/min",
    "bilirubin": "above 0 and up to 2000", "child_pugh": "A, B or C", "platelets": "0 to 5000 × 10⁹/L",
    "more": "up to 500 characters", "year_from": "a year from 1800 to 2100", "year_to": "a year from 1800 to 2100",
    "jurisdictions": "countries in two letters, or INT, as in US, GB", "audience": "clinician, trainee or patient",
}  # fmt: skip


class Refused(NamedTuple):
    """Why a form is not accepted, and which of its fields is wrong, if it is one."""

    why: str
    where: str | None


class Patient(Frozen):
    """What the panel knows of a patient: measured values with their units. Added to a question in words."""

    age: Annotated[int, Field(ge=0, le=120)] | None = None
    sex: Literal["woman", "man"] | None = None
    weight: Annotated[float, Field(gt=0, le=500)] | None = None
    creatinine: Annotated[float, Field(gt=0, le=5000)] | None = None
    creatinine_unit: _CREATININE = "mg/dL"
    crcl: Annotated[float, Field(ge=0, le=300)] | None = None
    bilirubin: Annotated[float, Field(gt=0, le=2000)] | None = None
    bilirubin_unit: _CREATININE = "mg/dL"
    child_pugh: Literal["A", "B", "C"] | None = None
    platelets: Annotated[float, Field(ge=0, le=5000)] | None = None
    more: Annotated[str, Field(max_length=500)] | None = None

    def words(self) -> str:
        """ "Patient: 67-year-old woman, 80 kg, creatinine 2.1 mg/dL."; nothing where nothing is known."""
        known = (
            self._who(),
            self.weight and f"{self.weight:g} kg",
            self.creatinine and f"creatinine {self.creatinine:g} {self.creatinine_unit}",
            self.crcl is not None and f"CrCl {self.crcl:g} mL/min",
            self.bilirubin and f"bilirubin {self.bilirubin:g} {self.bilirubin_unit}",
            self.child_pugh and f"Child-Pugh {self.child_pugh}",
            self.platelets is not None and f"platelets {self.platelets:g} × 10⁹/L",
            self.more and self.more.strip(" .\n"),
        )
        said = ", ".join(str(part) for part in known if part)
        return f"Patient: {said}." if said else ""

    def _who(self) -> str | None:
        if self.age is None:
            return self.sex
        return f"{self.age}-year-old {self.sex}" if self.sex else f"{self.age} years old"


async def sent(request: Request) -> dict[str, Any]:
    """The parts of a form that are filled in: a text each, a list for those that may have several."""
    pairs = parse_qsl((await request.body()).decode("utf-8", "replace"))
    return filled(pairs)


def filled(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if not value.strip():
            continue
        if name == _SEVERAL:
            found.setdefault(name, []).append(value)
        elif name == _LISTED:
            found[name] = value.upper().replace(",", " ").split()
        else:
            found[name] = value.strip()
    return found


def within(form: Mapping[str, Any]) -> FilterBody:
    """Which sources a form asks for. Raises ``ProblemError`` for what cannot be."""
    try:
        return FilterBody.model_validate({k: v for k, v in form.items() if k in FilterBody.model_fields})
    except ValidationError as error:
        raise _unusable(error) from error


def tells_of_patient(form: Mapping[str, Any]) -> bool:
    """Whether the panel of the patient holds anything."""
    return any(form.get(name) for name in Patient.model_fields if not name.endswith("_unit"))


def asked(form: Mapping[str, Any]) -> Ask:
    """The question of a form, with what the panel knows of the patient. Raises ``ProblemError`` for what cannot be."""
    try:
        patient = Patient.model_validate({k: v for k, v in form.items() if k in Patient.model_fields})
        question, known = _question(form), patient.words()
        if known:  # a sentence of its own
            question = f"{question if question[-1:] in ('.', '?', '!') else f'{question}?'} {known}"
        more = {name: form[name] for name in ("audience", "conversation_id") if name in form}
        return Ask(question=question if form.get("question") else "", filter=within(form), **more)
    except ValidationError as error:
        raise _unusable(error) from error


def _unusable(error: ValidationError) -> ProblemError:
    """The first field that is wrong, with what it takes."""
    loc = error.errors()[0]["loc"]
    where = str(loc[0]) if loc else "question"
    expected = _EXPECTED.get(where, "another value")
    if where == "question":
        return ProblemError(INVALID, f"The question is empty: expected {expected}", where="body.question")
    name = where.replace("_", " ").capitalize()
    return ProblemError(INVALID, f"{name} cannot be used: expected {expected}", where=f"body.{where}")


def _question(form: Mapping[str, Any]) -> str:
    """What was typed, or the value of a variable as a fact on the patient: "Patient: body weight 80 kg."."""
    typed = str(form.get("question", ""))
    if "variable" not in form or not typed:
        return typed
    variable, unit = str(form["variable"]), form.get("unit")
    if unit and not re.search(r"\d", typed):
        raise ProblemError(INVALID, f"Expected a figure, in {unit}", where="body.question")
    if unit and _FIGURE.fullmatch(typed):
        typed = f"{typed} {unit}"
    is_bare = not typed[:1].isalpha() or (" " not in typed and not variable.startswith("whether"))
    return f"Patient: {f'{variable} {typed}' if is_bare else typed}."
