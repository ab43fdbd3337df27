"""Puts this directory on the path, so that tests can import ``builders``; fixtures shared by packages go here."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from rag.pipeline import Pipeline


# On a busy machine a strategy may be slow; what counts is what it finds.
settings.register_profile("osler", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("osler")

ROOT = Path(__file__).parent.parent
# Before this directory on the path: its folder ``api`` would be taken for the package of that name.
sys.path.insert(0, str(ROOT))


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own ``OSLER_…`` variables must not change what the tests see."""
    for name in [n for n in os.environ if n.startswith("OSLER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def starter_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the starter corpus, made once for all processes of a test run. Copy it to change it."""
    from rag.index.build import build
    from rag.ingest.check import corpus_files
    from rag.ingest.readers.markdown import read_file

    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # each worker has a folder of its own in the run's
    index_dir = root / "starter_index"
    with (root / "starter_index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _borrow_encoders(index_dir)
        build([read_file(path) for path in corpus_files([ROOT / "corpus"])], index_dir)
    return index_dir


def _borrow_encoders(index_dir: Path) -> None:
    """Copies what a build in this checkout has exported, which takes ten seconds to make; it need not be there."""
    made = ROOT / "indexes" / "starter" / "encoders"
    if made.is_dir() and not (index_dir / "encoders").exists():
        shutil.copytree(made, index_dir / "encoders", ignore=shutil.ignore_patterns(".*"))


@pytest.fixture(scope="session")
def pipeline(starter_index: Path) -> Iterator[Pipeline]:
    """The starter corpus, ready for questions, with the default settings."""
    from rag.pipeline import Pipeline
    from rag.settings import Settings

    opened = Pipeline.open(Settings(index_dir=starter_index, corpus_dir=ROOT / "corpus"))
    yield opened
    opened.snapshot.close()
