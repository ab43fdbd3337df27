"""From paths to documents: every file in a process of its own making, with limits of time and memory.

What one file does, from an endless table to a crash of a parser, costs that file and one line that says so.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from rag.domain import Document
from rag.domain.sources import problem_with
from rag.errors import CorpusError, InputError
from rag.ingest.files import source_files
from rag.ingest.progress import Progress, silent


class Limits(NamedTuple):
    """Of the parsing of one file. ``seconds`` is the longest wait for its next document."""

    seconds: float = 120.0
    memory_bytes: int = 4 * 2**30


DEFAULT_LIMITS = Limits()


def documents(
    paths: Iterable[Path], *, limits: Limits = DEFAULT_LIMITS, told: Progress = silent
) -> Iterator[Document | CorpusError]:
    """The documents of files and folders, in the order of the paths; in the place of what cannot be used, why not.

    ``told`` is given "read", the bytes read so far and the bytes of all files.
    """
    files: list[Path] = []
    for found in source_files(paths):
        if isinstance(found, CorpusError):
            yield _problem(str(found))
        else:
            files.append(found)
    total, before = sum(map(_size, files)), 0
    with _Worker(limits) as worker:
        for file in files:
            for at, item in worker.read(file):
                told("read", before + at, total)
                yield item
            before += _size(file)
    if files:
        told("read", total, total)


def in_set(items: Iterable[Document | CorpusError], document_set: str | None) -> Iterator[Document | CorpusError]:
    """The documents as ones of a document set, but for those that say themselves of which they are.

    Raises:
        InputError: the name of the set is not well formed.
    """
    if document_set is not None and (problem := problem_with("document_set", document_set)):
        raise InputError(f"{problem}; a name such as guidelines-2024")
    return (_named(item, document_set) if isinstance(item, Document) else item for item in items)


def _named(document: Document, document_set: str | None) -> Document:
    if document_set is None or document.source.document_set is not None:
        return document
    source = document.source.model_copy(update={"document_set": document_set})
    return document.model_copy(update={"source": source})


class _Worker:
    """The parsing process, started when it is first needed and again when it was lost."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: deque[bytes] = deque()  # complete ones
        self._rest = b""

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def read(self, file: Path) -> Iterator[tuple[int, Document | CorpusError]]:
        """Documents and problems of one file, each with how many bytes of it were read by then."""
        process = self._started()
        stdin = _pipe(process.stdin)
        stdin.write(json.dumps(str(file)).encode() + b"\n")
        stdin.flush()
        while True:
            try:
                answer = self._answer(process)
            except _LostError as lost:
                self._stop()
                yield 0, _problem(f"{file.name}: {lost}")
                return
            if "end" in answer:
                return
            if "problem" in answer:
                yield int(answer["at"]), _problem(answer["problem"])
            else:
                yield int(answer["at"]), Document.model_validate(answer["document"])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-m", "rag.ingest.worker", str(self._limits.memory_bytes)]
            # The package may not be installed, only on the path of this process.
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUTF8": "1"}
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
            self._lines, self._rest = deque(), b""
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        if not self._lines:
            *lines, self._rest = self._received(process).split(b"\n")
            self._lines.extend(lines)
        answer: dict[str, Any] = json.loads(self._lines.popleft())
        return answer

    def _received(self, process: subprocess.Popen[bytes]) -> bytes:
        """What comes until at least one line has ended."""
        stdout, parts = _pipe(process.stdout), [self._rest]
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in parts[-1]:
                if not selector.select(self._limits.seconds):
                    raise _LostError(f"took longer than {self._limits.seconds:g} s to read; split it")
                chunk = os.read(stdout.fileno(), 1 << 20)
                if not chunk:
                    raise _LostError(f"its parser ended ({_how(process)}); the file may be damaged or too large")
                parts.append(chunk)
        return b"".join(parts)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def _size(file: Path) -> int:
    """0 when it has gone since it was listed; its reader says so."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _problem(text: str) -> CorpusError:
    """In one line that can be printed: names of files, which messages begin with, may hold anything."""
    text = " ".join(text.split())
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return CorpusError(text)


class _LostError(Exception):
    """The parsing process did not answer."""


def _how(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    return f"signal {-code}" if code < 0 else f"code {code}"


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the parsing process was started without pipes")
    return pipe
