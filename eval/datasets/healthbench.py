"""HealthBench: conversations about health with physicians' rubrics. Only a judge can score a rubric.

From https://github.com/openai/simple-evals, whose ``healthbench_eval.py`` names the addresses of the JSON lines files
(``..._oss_eval.jsonl``, ``hard_....jsonl``, ``consensus_....jsonl``): ``prompt_id``, ``prompt`` (turns of ``role`` and
``content``, the user's last), ``rubrics`` (``criterion``, ``points``, ``tags``), ``example_tags`` and, for some,
``ideal_completions_data``. The hard and consensus files repeat questions of the first: keep one file. MIT licence.

Without a judge that is configured, its items are unscored, never 0.

Arora et al. 2025, HealthBench: evaluating large language models towards improved human health, arXiv:2505.08775.
"""

from __future__ import annotations

from pathlib import Path

from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_lines
from eval.domain import Criterion, Gold, Item, Turn

ABOUT = About(
    "healthbench",
    "conversations about health with physicians' rubrics, which only a judge can score",
    "https://github.com/openai/simple-evals",
    "MIT",
)
_THEME = "theme:"


def load(folder: Path) -> Dataset:
    """The user's last message is the question, what came before the history; ``kind`` is the theme."""
    paths = found(folder, ABOUT, "*oss_eval*.jsonl", "hard_*.jsonl", "consensus_*.jsonl")
    return dataset(ABOUT, (_item(entry) for path in paths for entry in json_lines(path)))


def _item(entry: Entry) -> Item:
    *history, last = [*entry.entries("prompt")] or [Entry(entry.place, {})]
    if last.optional("role") != "user":
        raise entry.wrong("prompt", "turns of which the user's is the last")
    themes = (tag.removeprefix(_THEME) for tag in entry.texts("example_tags") if tag.startswith(_THEME))
    ideal = entry.within("ideal_completions_data")
    return Item(
        item_id=f"healthbench-{entry.text('prompt_id')}",
        question=last.text("content"),
        history=tuple(map(_turn, history)),
        kind=next(themes, ""),
        gold=Gold(answers=ideal.texts("ideal_completion"), rubric=tuple(map(_criterion, entry.entries("rubrics")))),
    )


def _turn(entry: Entry) -> Turn:
    role = entry.optional("role")
    if role not in ("user", "assistant"):
        raise entry.wrong("role", "user or assistant")
    return Turn(role="user" if role == "user" else "assistant", text=entry.optional("content"))


def _criterion(entry: Entry) -> Criterion:
    points = entry.fields.get("points")
    if isinstance(points, bool) or not isinstance(points, int | float):
        raise entry.wrong("points", "a number")
    return Criterion(text=entry.text("criterion"), points=points, tags=entry.texts("tags"))
