"""A service of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import open_service

from api.http.service import Service


@pytest.fixture
def kept(starter_index: Path, tmp_path: Path) -> Iterator[Service]:
    """A service over the starter corpus; it is closed after the test."""
    service = open_service(starter_index, tmp_path)
    yield service
    service.close()
