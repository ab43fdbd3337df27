"""``osler serve``: the HTTP service, in one process or several; ``osler mcp``: the same for one client that starts it.

Workers are processes that share the address, the database and the index; each opens its own. What the command was given
reaches them by their environment, where ``application`` finds it.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
import tempfile
from argparse import Namespace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from api.commands import settings_of
from rag.errors import InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.http.logs import Log
    from api.settings import ServiceSettings
    from rag.settings import Settings

_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns

#: How long a thread that computes keeps those waiting that have little to do, the event loop above all: at Python's own
#: 5 ms an answer takes 2 to 3 ms longer, at this as many are made a second (``eval.load``).
_TURN_S = 0.0005
_OPTIONS = ("host", "port", "workers", "database")
_DATABASE = "SQLite file or PostgreSQL address where answers are kept (default: data/osler.sqlite)"


def add_serve(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    summary = "serve questions over HTTP"
    serve = commands.add_parser("serve", parents=[shared], help=summary, description=f"{summary.capitalize()}.")
    serve.set_defaults(command="serving.serve")
    serve.add_argument("--host", metavar="ADDRESS", help="address to listen at (default: 127.0.0.1, this machine only)")
    serve.add_argument("--port", type=int, metavar="N", help="port to listen at, 0 for any (default: 8000)")
    serve.add_argument("--workers", type=int, metavar="N", help="processes that answer (default: 1)")
    serve.add_argument("--database", metavar="URL", help=_DATABASE)


def add_mcp(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    summary = "serve one client of the Model Context Protocol on standard input and output"
    mcp = commands.add_parser("mcp", parents=[shared], help=summary, description=f"{summary.capitalize()}.")
    mcp.set_defaults(command="serving.mcp")
    mcp.add_argument("--database", metavar="URL", help=_DATABASE)


def mcp(arguments: Namespace) -> int:
    """Serves until its client leaves."""
    if find_spec("mcp") is None:
        raise InputError("mcp: the package is not installed; install it with `pip install 'osler[mcp]'`")
    from api.http.service import Service
    from api.mcp.stdio import run
    from api.settings import ServiceSettings

    settings = ServiceSettings.from_environment(None, database=arguments.database)
    pipeline = settings_of(arguments)
    check_model(settings, pipeline)
    sys.setswitchinterval(_TURN_S)
    run(Service.open(settings, pipeline, _log(settings)))
    return 0


def serve(arguments: Namespace) -> int:
    """Serves until it is told to stop."""
    from api.settings import ServiceSettings

    given = {name: getattr(arguments, name) for name in _OPTIONS}
    settings = ServiceSettings.from_environment(None, **given)
    pipeline = settings_of(arguments)
    check(settings, pipeline)
    check_model(settings, pipeline)
    _run(settings, pipeline)
    return 0


def check(settings: ServiceSettings, pipeline: Settings) -> None:
    """What must be so before anything listens; makes the database where there is none.

    Raises:
        InputError: others than this machine may reach the address, or keys are always needed, and there is no key.
        SnapshotError: there is no snapshot to answer from.
        StoreError: the database cannot be used.
    """
    from api.keeping.keeping import Keeping
    from rag.index.manifest import current_id

    current_id(pipeline.index_dir)
    with Keeping.open(settings.database, index_dir=pipeline.index_dir) as keeping:
        has_keys = keeping.keys.any_valid()
    if not has_keys and (settings.is_public or settings.keys == "always"):
        why = "others may reach it" if settings.is_public else "keys are always needed"
        raise InputError(
            f"host {settings.host}: {why}, and there is no API key; make one with `osler keys create`, or listen at "
            "127.0.0.1"
        )


def check_model(settings: ServiceSettings, pipeline: Settings) -> None:
    """Where there is a language model: notes in the log that it may take longer than anybody waits for an answer.

    Raises:
        InputError: what speaks to it is not installed.
    """
    if not pipeline.llm_url:
        return
    from rag.writing.model import LanguageModel

    LanguageModel(pipeline).close()
    if pipeline.llm_budget_s >= settings.timeout_s:
        _log(settings).event(
            "the language model may take longer than a question; set OSLER_LLM_BUDGET_S below OSLER_TIMEOUT_S",
            "warning", llm_budget_s=pipeline.llm_budget_s, timeout_s=settings.timeout_s,
        )  # fmt: skip


def _run(settings: ServiceSettings, pipeline: Settings) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    chosen: dict[str, Any] = {
        "host": settings.host, "port": settings.port, "log_config": None, "access_log": False,
        "server_header": False, "timeout_graceful_shutdown": int(settings.timeout_s) + 5,
    }  # fmt: skip
    if settings.workers == 1:
        uvicorn.run(_application(settings, pipeline), **chosen)
        return
    _log(settings)
    with tempfile.TemporaryDirectory(prefix="osler-metrics-") as folder:
        os.environ |= _told(settings, pipeline) | {"PROMETHEUS_MULTIPROC_DIR": folder}
        config = uvicorn.Config("api.serving:application", factory=True, workers=settings.workers, **chosen)
        with config.bind_socket() as listening:
            # What is accepted inherits it. Else the body of an answer waits 40 ms for a receipt of its headers:
            # asyncio sets it only for sockets that it has made itself.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Multiprocess(config, sockets=[listening]).run()


def _told(settings: ServiceSettings, pipeline: Settings) -> dict[str, str]:
    """What options have changed, as the environment that a worker reads."""
    told = {f"OSLER_{name.upper()}": str(getattr(settings, name)) for name in _OPTIONS}
    return told | {"OSLER_INDEX_DIR": str(pipeline.index_dir.absolute())}


def application() -> FastAPI:
    """The application as the environment says: for workers, and for any other ASGI server."""
    from api.settings import ServiceSettings
    from rag.settings import Settings

    return _application(ServiceSettings.from_environment(), Settings.from_environment())


def _application(settings: ServiceSettings, pipeline: Settings) -> FastAPI:
    from api.http.app import create_app
    from api.http.service import Service

    sys.setswitchinterval(_TURN_S)
    return create_app(Service.open(settings, pipeline, _log(settings)))


def _log(settings: ServiceSettings) -> Log:
    """The log, to which the server's own lines go too."""
    from api.http.logs import JsonHandler, Log

    log = Log(tells_questions=settings.log_questions)
    logging.basicConfig(handlers=[JsonHandler(log)], level=logging.WARNING, force=True)
    logging.getLogger("uvicorn").setLevel(logging.INFO)
    return log
