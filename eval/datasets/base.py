"""What a loader returns: a named set of items, where it is from, and a digest that says whether two runs used the same.

A loader is a module with an ``About`` and a function ``load(folder) -> Dataset`` that reads files which the user has
downloaded from the data's owners. Nothing is downloaded, and no data is part of this project.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from eval.domain import Item
from rag.errors import InputError

_DIGITS = 16

#: How the owners of claim verification sets call the three classes, in lower case, and how we do.
_VERDICTS = {
    "supports": "supports", "support": "supports", "entailment": "supports",
    "refutes": "refutes", "contradict": "refutes", "contradiction": "refutes",
    "neutral": "neutral", "not_enough_info": "neutral", "nei": "neutral",
}  # fmt: skip


class About(NamedTuple):
    """What a set holds, where its owners publish it, and what they allow."""

    name: str
    description: str
    source: str
    licence: str


class Dataset(NamedTuple):
    """Items in the order of the owners' files.

    ``corpus`` is a file for ``osler index build``, where the set comes with one. ``digest`` is the SHA-256 of all
    items, gold included, as canonical JSON: 16 hexadecimal digits. It depends on nothing else, so the same data gives
    the same digest wherever it lies.
    """

    name: str
    items: tuple[Item, ...]
    description: str
    source: str
    licence: str
    corpus: Path | None
    digest: str


def dataset(about: About, items: Iterable[Item], corpus: Path | None = None) -> Dataset:
    """The set of ``items``.

    Raises:
        InputError: when there are none, or two have the same id.
    """
    items = tuple(items)
    if not items:
        raise InputError(f"{about.name}: the files hold no items; get them from {about.source}")
    counts = Counter(item.item_id for item in items)
    twice = next((item_id for item_id, count in counts.items() if count > 1), None)
    if twice is not None:
        raise InputError(
            f"{about.name}: item {twice!r} is there {counts[twice]} times; ids are unique within a set; "
            "keep one version of each file in the folder"
        )
    return Dataset(*about[:1], items, *about[1:], corpus, digest(items))


def digest(items: Iterable[Item]) -> str:
    """See ``Dataset``. Of no items: the digest of nothing."""
    total = hashlib.sha256()
    for item in items:
        fields = item.model_dump(mode="json")
        total.update(json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())
        total.update(b"\n")
    return total.hexdigest()[:_DIGITS]


def verdict(label: str) -> str | None:
    """``label`` as supports, refutes or neutral, whatever its case; None if it is none of the names in use."""
    return _VERDICTS.get(label.strip().lower())
