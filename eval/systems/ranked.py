"""A run file as a system: rankings that another retriever wrote in TREC's form."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval import trec
from eval.domain import Item, Outcome, Ranked, Response
from eval.systems.base import failed
from rag.errors import InputError


class RunFile:
    """The rankings of a file. A topic that it lacks is a failed response and scores as an empty ranking."""

    def __init__(self, path: Path, items: Sequence[Item]) -> None:
        """Reads the file whole.

        Args:
            items: what will be asked; used to tell that a file belongs to another suite.

        Raises:
            InputError: the file cannot be read, is no run, or has none of ``items`` as a topic.
        """
        try:
            self._run = trec.read_run(path)
            self._sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"run {path}: cannot be read ({error.strerror}); name another file") from None
        except UnicodeDecodeError:
            raise InputError(f"run {path}: not UTF-8; expected a run file in TREC's form") from None
        except trec.FormatError as error:
            raise InputError(f"run {error}") from None
        if not any(item.item_id in self._run for item in items):
            raise InputError(f"run {path}: no topic of it is in this suite; expected ids like {items[0].item_id}")
        self.name, self._file = f"run {path.name}", path.name

    def receipt(self) -> dict[str, Any]:
        return {"file": self._file, "sha256": self._sha256}

    def respond(self, item: Item) -> Response:
        found = self._run.get(item.item_id)
        if found is None:
            return failed(item, f"no ranking in {self._file}")
        ranking = tuple(Ranked(document, score) for document, score in found)
        return Response(item_id=item.item_id, outcome=Outcome.ANSWERED, ranking=ranking)

    def close(self) -> None:
        pass
