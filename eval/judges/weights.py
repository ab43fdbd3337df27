"""The fitted part of a judge, as a file with where it came from and how well it does on items it was not fitted to."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from eval.log import Agreement
from rag.domain import Frozen
from rag.errors import InputError

HERE = Path(__file__).parent
MATCHER, CITATIONS = HERE / "matcher.json", HERE / "citations.json"


class Provenance(Frozen):
    """``items`` is how many were fitted on and ``digest`` theirs; ``command`` makes the file again from them."""

    data: str
    digest: str
    source: str
    licence: str
    items: int
    fitted: str
    command: str


class Figures(Frozen):
    """A method's row of the table of figures. Out of fold, except for what is not fitted at all.

    ``spread`` is the standard deviation of ``kappa`` over repetitions of the cross-validation.
    """

    method: str
    accuracy: float
    kappa: float
    macro_f1: float
    spread: float = 0.0


class Probe(Frozen):
    """Of ``n`` claims altered in one way, or not at all, how many were judged entailed and contradicted."""

    kind: str
    n: int
    entailed: int
    contradicted: int


class Logistic(Frozen):
    """A logistic regression on standardised features; ``threshold`` is the least support of an entailed claim."""

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    threshold: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Logistic:
        if len({len(self.features), len(self.mean), len(self.scale), len(self.coefficients)}) != 1:
            raise ValueError("features, mean, scale and coefficients must be of one length")
        return self

    def support(self, values: tuple[float, ...]) -> float:
        """In (0, 1): the estimated probability, if claims said and not said were equally common."""
        columns = zip(values, self.mean, self.scale, self.coefficients, strict=True)
        return 1 / (1 + math.exp(-self.intercept - sum(c * (x - m) / s for x, m, s, c in columns)))


class Fitted(Frozen):
    """The file of a judge: its model if it has one, and its record. ``figures`` has the baselines beside it."""

    judge: str
    version: int
    model: Logistic | None = None
    provenance: Provenance
    agreements: tuple[Agreement, ...]
    figures: tuple[Figures, ...] = ()
    probes: tuple[Probe, ...] = ()

    def agreement(self, judge: str) -> Agreement:
        """The record of one judge. Raises ``InputError`` when it was not measured."""
        for agreement in self.agreements:
            if agreement.judge == judge:
                return agreement
        known = ", ".join(a.judge for a in self.agreements)
        raise InputError(f"judge {judge!r}: no agreement was measured; known are {known}; run python -m eval.calibrate")


def read_fitted(path: Path) -> Fitted:
    """Raises ``InputError`` when the file is missing or not of this form."""
    try:
        return Fitted.model_validate_json(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"weights {path}: {error.strerror}; run python -m eval.calibrate") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"weights {path}: {where}: {first['msg']}; run python -m eval.calibrate again") from None


def write_fitted(fitted: Fitted, path: Path) -> None:
    path.write_text(fitted.model_dump_json(indent=1) + "\n", "utf-8")
