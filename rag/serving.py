"""A pipeline that lives as long as a server: it takes up each snapshot that is published, between two questions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import SnapshotError
from rag.index.manifest import current_id
from rag.index.snapshot import Snapshot
from rag.pipeline import Pipeline
from rag.settings import Settings


class _Opened:
    """A pipeline with the number of its users; the one who leaves it last closes it when it is out of date."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.users = 0
        self.is_current = True


class Serving:
    """Hands out the pipeline on the current snapshot. Safe to share between threads.

    A question is answered from one snapshot from its beginning to its end. A snapshot that cannot be opened is left
    alone, with the reason in ``problem``, and the one before it goes on being used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._opened = _Opened(Pipeline.open(settings))
        self._refused: str | None = None
        #: Why the current snapshot is not the one in use, if it is not.
        self.problem: str | None = None

    @contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        """The pipeline, for the length of a ``with`` block."""
        self.look()
        with self._lock:
            opened = self._opened
            opened.users += 1
        try:
            yield opened.pipeline
        finally:
            with self._lock:
                opened.users -= 1
                is_left = opened.users == 0 and not opened.is_current
            if is_left:
                opened.pipeline.close()

    @contextmanager
    def on(self, snapshot_id: str) -> Iterator[Pipeline]:
        """A pipeline on the snapshot of that id, which may be an older one; such a one is opened for the block alone.

        Raises:
            SnapshotError: it is not kept any more, or cannot be used.
        """
        with self.pipeline() as current:
            if current.snapshot.snapshot_id == snapshot_id:
                yield current
                return
        older = Pipeline(self._settings, Snapshot(self._settings.index_dir, snapshot_id))
        try:
            yield older
        finally:
            older.close()

    @property
    def index_dir(self) -> Path:
        return self._settings.index_dir

    @property
    def language_model(self) -> str | None:
        """Name of the model that words the answers, if one does."""
        return self._settings.llm_model

    @property
    def max_question_chars(self) -> int:
        return self._settings.max_question_chars

    @property
    def snapshot_id(self) -> str:
        """Id of the snapshot in use."""
        return self._opened.pipeline.snapshot.snapshot_id

    def published(self) -> str:
        """Id of the snapshot that the next question is answered from: that in use where a newer one is refused."""
        try:
            return current_id(self._settings.index_dir)
        except SnapshotError:
            return self.snapshot_id

    def warm(self) -> None:
        """Loads what the first question would otherwise wait for, or a later one: memory then stays what it is."""
        with self.pipeline() as pipeline:
            pipeline.warm()
            _ = pipeline.glossary, pipeline.settings.nli or pipeline.snapshot.words

    def look(self) -> None:
        """Takes up a new snapshot, if there is one."""
        if not self._opening.acquire(blocking=False):
            return  # somebody else does it; until then the one before is as good
        try:
            published = current_id(self._settings.index_dir)
            if published not in (self._opened.pipeline.snapshot.snapshot_id, self._refused):
                self._replace(published)
        except SnapshotError as error:
            self.problem = str(error)
        finally:
            self._opening.release()

    def _replace(self, published: str) -> None:
        try:
            new = _Opened(Pipeline.open(self._settings))
        except SnapshotError:
            self._refused = published  # it does not get better by trying at every question
            raise
        new.pipeline.warm()
        self._refused = self.problem = None
        with self._lock:
            old, self._opened = self._opened, new
            old.is_current = False
            is_idle = old.users == 0
        if is_idle:
            old.pipeline.close()

    def close(self) -> None:
        self._opened.pipeline.close()
