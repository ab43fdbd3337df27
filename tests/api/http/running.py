"""A service for tests: over an index of the tests' own, with a database in a folder, on no network or on loopback."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.logs import Log
from api.http.service import Service
from api.settings import ServiceSettings
from rag.settings import Settings


def open_service(index_dir: Path, folder: Path, pipeline: Settings | None = None, **settings: Any) -> Service:
    """A service whose log is kept in memory; ``logged`` reads it. ``pipeline`` has an index of its own."""
    given = ServiceSettings.model_validate({"database": str(folder / "osler.sqlite")} | settings)
    log = Log(io.StringIO(), tells_questions=given.log_questions)
    return Service.open(given, pipeline or Settings(index_dir=index_dir), log)


def logged(service: Service) -> list[dict[str, Any]]:
    """The lines of a service's log."""
    out = service.log._out
    assert isinstance(out, io.StringIO)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@contextmanager
def client_of(service: Service, address: str = "127.0.0.1", host: str = "127.0.0.1") -> Iterator[TestClient]:
    """A client that calls the application from ``address`` as ``host``; the service is closed after it."""
    app = create_app(service)
    with TestClient(app, base_url=f"http://{host}", client=(address, 50_000)) as client:
        yield client


@contextmanager
def listening(service: Service, send_bytes: int | None = None) -> Iterator[str]:
    """A real server on loopback; gives its address.

    Args:
        send_bytes: what the system takes of a response that its client does not read, about; much by default.
    """
    config = uvicorn.Config(create_app(service), host="127.0.0.1", port=0, log_config=None, access_log=False)
    with socket.socket() as free:
        if send_bytes:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
        free.bind(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]})
        thread.start()
        try:
            while not server.started:
                threading.Event().wait(0.01)
            yield f"http://127.0.0.1:{free.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def events_of(text: str) -> list[tuple[str, Any]]:
    """The events of a stream: name and data."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found
