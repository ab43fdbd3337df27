"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much is done and how much there is, 0 when that is not known."""


def silent(step: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""
