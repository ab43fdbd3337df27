"""The helpers of the tests of the service, which this is another face of, and a service of the tests' own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "http"))

from running import open_service

from api.http.service import Service


@pytest.fixture
def kept(starter_index: Path, tmp_path: Path) -> Iterator[Service]:
    """A service over the starter corpus; it is closed after the test."""
    service = open_service(starter_index, tmp_path)
    yield service
    service.close()
