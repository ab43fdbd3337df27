"""The log: one JSON object a line, without questions and answers unless the operator opts in."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any, Final, TextIO

#: Facts of a request that are health data.
PRIVATE: Final = frozenset({"question", "answer"})


class Log:
    """Writes lines. Safe to share between threads: a line is one write.

    Args:
        out: where to; standard error when absent.
        tells_questions: whether questions and answers may be written.
    """

    def __init__(self, out: TextIO | None = None, *, tells_questions: bool = False) -> None:
        self._out = out
        self.tells_questions = tells_questions

    def event(self, event: str, level: str = "info", **facts: Any) -> None:
        """One line. Facts that are health data are left out unless opted in, those that are None always."""
        shown = {k: v for k, v in facts.items() if v is not None and (self.tells_questions or k not in PRIVATE)}
        line = {"time": _now(), "level": level, "event": event, **shown}
        out = self._out or sys.stderr
        out.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        out.flush()

    def request(
        self, request_id: str, method: str, route: str, status: int, seconds: float, facts: Mapping[str, Any]
    ) -> None:
        level = "error" if status >= 500 else "info"
        ms = round(seconds * 1000, 1)
        self.event("request", level, request_id=request_id, method=method, route=route, status=status, ms=ms, **facts)

    def failed(self, request_id: str | None, error: BaseException) -> None:
        """An unforeseen error, with where it came from; its message may repeat a question, so it is private."""
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{f.filename}:{f.lineno} {f.name}" for f in frames]
        message = str(error) if self.tells_questions else None
        self.event("failure", "error", request_id=request_id, error=type(error).__name__, where=where, message=message)


class JsonHandler(logging.Handler):
    """Lines of libraries, such as the server's own, in the same form."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self._log.failed(None, record.exc_info[1])
        else:
            self._log.event("server", record.levelname.lower(), logger=record.name, message=record.getMessage())


def _now() -> str:
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
