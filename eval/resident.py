"""What of a process lies in memory, as Linux counts it, and what of files is kept there for whoever reads them next."""

from __future__ import annotations

import ctypes
import mmap
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rag.domain import Frozen

_EVERY_S = 0.05


class Memory(Frozen):
    """Of one process, in MB of 2^20 bytes.

    ``anonymous`` is its own; ``file`` is mapped from files, and the system takes it back when others need it.
    ``share`` is all of it with each page divided by the number of processes that have it.
    """

    anonymous: float
    file: float
    share: float

    @property
    def resident(self) -> float:
        return self.anonymous + self.file


def memory_of(process: int | str = "self") -> Memory:
    """Memory of a process by its number; NaN where the system does not say."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return Memory(anonymous=float("nan"), file=float("nan"), share=float("nan"))
    found = {name: int(size.split()[0]) / 1024 for name, _, size in (line.partition(":") for line in lines)}
    return Memory(anonymous=found["Anonymous"], file=found["Rss"] - found["Anonymous"], share=found["Pss"])


@contextmanager
def watched() -> Iterator[list[float]]:
    """A list that has, afterwards, the anonymous memory of this process in MB, looked at twenty times a second."""
    looks, ends = [_anonymous()], threading.Event()

    def look() -> None:
        while not ends.wait(_EVERY_S):
            looks.append(_anonymous())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        ends.set()
        thread.join()


def _anonymous() -> float:
    """As ``memory_of``, without a look at every page, which would slow down what is watched."""
    return _stated(Path("/proc/self/status"), "RssAnon:") / 1024


def forget(folder: Path) -> None:
    """Asks the system to keep nothing of the files of a folder in memory, as after a start of the machine.

    What another process has mapped stays.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())  # what is not written yet would stay
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def kept_of(folder: Path) -> dict[str, int]:
    """By the name of the file, bytes of the files of a folder that lie in memory, for whatever reason.

    Empty where the system cannot be asked.
    """
    found = Counter[str]()
    ask = getattr(ctypes.CDLL(None), "mincore", None)
    if ask is None:
        return {}
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                pages = np.zeros(-(-len(content) // mmap.PAGESIZE), np.uint8)
                view = np.frombuffer(content, np.uint8)
                ask(
                    ctypes.c_void_p(view.ctypes.data),
                    ctypes.c_size_t(len(content)),
                    pages.ctypes.data_as(ctypes.c_void_p),
                )
                found[path.name] += min(int((pages & 1).sum()) * mmap.PAGESIZE, len(content))
                del view  # or the file could not be closed
    return dict(found)


def read_from_disk() -> float:
    """MB that this process has had read from disk so far; NaN where the system does not say."""
    return _stated(Path("/proc/self/io"), "read_bytes:") / 2**20


def _stated(path: Path, name: str) -> float:
    """The number after a name in a file of the system; NaN where there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return float("nan")
    return next((float(line.split()[1]) for line in lines if line.startswith(name)), float("nan"))
