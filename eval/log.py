"""``EvalLog``: the result of a run, complete enough to be traced, compared and made again.

JSON, versioned, only ever extended. A number is a number or null, never NaN; what could not be scored is counted apart
and never as 0.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from eval.domain import Record
from rag.domain import Frozen
from rag.errors import InputError

LOG_VERSION = 1


class SuiteFacts(Frozen):
    """What was asked: ``digest`` is of all items as they were asked, gold included; ``items`` is their number."""

    name: str
    digest: str
    items: int
    description: str = ""
    source: str = ""
    licence: str = ""


class SystemFacts(Frozen):
    """Who was asked. ``receipt`` is what the system says of itself: snapshot, models, settings, software."""

    name: str
    receipt: dict[str, Any] = Field(default={})


class GitState(Frozen):
    """Of the harness's own checkout; ``commit`` is null outside one."""

    commit: str | None = None
    dirty: bool | None = None


class Summary(Frozen):
    """A measure over a set of records.

    ``value`` is the mean of ``n`` scored items, or a pooled figure of them such as macro-F1; null when none was scored.
    ``low`` and ``high`` bound its 95 % interval: bootstrap, resampled by cluster, or exact (Clopper-Pearson) where all
    scores are 0 or all are 1; null below two clusters. ``judge`` names the judge whose opinion is in the value, "" for
    arithmetic.
    """

    value: float | None
    n: int
    unscored: int = 0
    clusters: int = 0
    low: float | None = None
    high: float | None = None
    judge: str = ""
    higher_is_better: bool | None = True


class Agreement(Frozen):
    """How well a judge agrees with people on labelled data, printed beside each score that rests on it.

    ``labels`` says whose labels and on what; ``accuracy`` and ``kappa`` (Cohen 1960) are on ``n`` items that the judge
    was not fitted to.
    """

    judge: str
    labels: str
    n: int
    accuracy: float
    kappa: float
    note: str = ""


class Point(Frozen):
    """A point of a curve; ``n`` items are behind it."""

    x: float
    y: float
    n: int = 0


class Curve(Frozen):
    """A plot's data. ``kind`` says how it is drawn and read."""

    kind: Literal["reliability", "risk_coverage"]
    title: str
    x: str
    y: str
    points: tuple[Point, ...]


class EvalLog(Frozen):
    """A run of one suite on one system. ``by_kind`` has the summaries of each kind of item; timings are seconds."""

    log_version: int = LOG_VERSION
    suite: SuiteFacts
    system: SystemFacts
    settings: dict[str, Any] = Field(default={})
    versions: dict[str, str] = Field(default={})
    git: GitState = GitState()
    seed: int = 0
    started: str
    seconds: float
    summaries: dict[str, Summary] = Field(default={})
    by_kind: dict[str, dict[str, Summary]] = Field(default={})
    judges: tuple[Agreement, ...] = ()
    curves: dict[str, Curve] = Field(default={})
    records: tuple[Record, ...] = ()


def write_log(log: EvalLog, path: Path) -> None:
    """Writes a log whole or not at all. Raises ``InputError`` when the path cannot be written."""
    aside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(log.model_dump_json(indent=1) + "\n", "utf-8")
        aside.replace(path)
    except OSError as error:
        raise InputError(f"log {path}: cannot be written ({error.strerror}); name another file") from None


def read_log(path: Path) -> EvalLog:
    """The log in a file. Raises ``InputError`` when it is none, or of a version that is not known here."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(
            f"log {path}: cannot be read ({error.strerror}); expected a file of `osler eval run`"
        ) from None
    except ValueError:
        raise InputError(f"log {path}: not JSON; expected a file of `osler eval run`") from None
    version = raw.get("log_version") if isinstance(raw, dict) else None
    if version != LOG_VERSION:
        raise InputError(f"log {path}: version {version!r}, expected {LOG_VERSION}; run the suite again")
    try:
        return EvalLog.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"log {path}: {where}: {first['msg']}; run the suite again") from None
