"""One service for the tests that change nothing of importance in it, and one of its own for each that does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import client_of, open_service
from starlette.testclient import TestClient

from api.http.service import Service


@pytest.fixture(scope="module")
def shared_service(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    return open_service(starter_index, tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def shared(shared_service: Service) -> Iterator[TestClient]:
    with client_of(shared_service) as client:
        yield client


@pytest.fixture
def service(starter_index: Path, tmp_path: Path) -> Service:
    return open_service(starter_index, tmp_path)


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with client_of(service) as opened:
        yield opened
