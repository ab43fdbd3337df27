"""A service in a process of its own, and clients that ask it without end."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

ROOT = Path(__file__).parents[3]
QUESTIONS = (ROOT / "eval" / "questions" / "starter.txt").read_text("utf-8").splitlines()


@contextmanager
def served(
    index_dir: Path, database: Path | str, *more: str, log: list[str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``osler serve`` in a process of its own; gives its address when it is ready.

    Args:
        log: takes the lines that it writes after that; they are whole when the block has ended.
    """
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--index", str(index_dir)]
    command += ["--database", str(database), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr
        try:
            printed = list[str]()
            for line in process.stderr:
                printed.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    address = found[0]
                    break
            else:
                pytest.fail(f"the server did not start: {printed[-5:]}")
            lines = log if log is not None else list[str]()
            reading = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
            reading.start()
            until(lambda: is_ready(address))
            yield address, process
        finally:
            process.terminate()
            process.wait(30)
        reading.join(30)


def is_ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Waits for what others bring about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.02)


def asking(address: str, questions: Iterator[str], answered: list[dict[str, Any]], ended: threading.Event) -> None:
    """Asks until it is ended or nobody answers; keeps what was acknowledged."""
    with httpx2.Client(base_url=address, timeout=30) as client:
        while not ended.is_set():
            try:
                given = client.post("/v1/answers", json={"question": next(questions)})
            except httpx2.TransportError:
                return
            if given.status_code == 200:
                answered.append(given.json())


class Numbered:
    """Questions that nobody has asked before. Safe to share between threads."""

    def __init__(self) -> None:
        self._number = itertools.count()

    def __iter__(self) -> Numbered:
        return self

    def __next__(self) -> str:
        number = next(self._number)
        return f"{QUESTIONS[number % len(QUESTIONS)]} (case {number})"


@contextmanager
def asked(address: str, clients: int = 4) -> Iterator[list[dict[str, Any]]]:
    """Has clients ask for the length of a block; gives the answers that they have had so far."""
    questions, answered, ended = Numbered(), list[dict[str, Any]](), threading.Event()
    asking_ones = [threading.Thread(target=asking, args=(address, questions, answered, ended)) for _ in range(clients)]
    for client in asking_ones:
        client.start()
    try:
        yield answered
    finally:
        ended.set()
        for client in asking_ones:
            client.join()
