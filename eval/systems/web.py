"""JSON over HTTP with patience: asks again when a server is busy or broken, and says in one line why it gave up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from secrets import SystemRandom
from typing import Any

import httpx2

from api.client.calling import checked_address
from api.client.retrying import retry_after_s
from eval.systems.base import one_line
from rag import __version__
from rag.errors import FailureError

_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S, _LONGEST_RETRY_AFTER_S = 0.5, 30.0, 120.0
_MAX_BYTES = 32 * 2**20


class CallError(FailureError):
    """No answer that can be used, in one line. ``is_final``: it would be the same however often one asks."""

    def __init__(self, reason: str, *, is_final: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(one_line(reason))
        self.is_final, self.wait_s = is_final, wait_s


class Caller:
    """One for a system; safe to share between threads.

    Args:
        base_url: http or https; paths are put after it.
        key: sent as a bearer token; never in an error.
        timeout_s: the longest that one request may take, from sending it to the last byte.
        attempts: how often a request is sent at most.
        connections: how many at once, the number of workers.

    Raises:
        InputError: ``base_url`` is no address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None = None,
        timeout_s: float = 120.0,
        attempts: int = 5,
        connections: int = 64,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = checked_address(base_url)
        self._key, self._timeout_s, self._attempts, self._sleep = key, timeout_s, max(attempts, 1), sleep
        headers = {"User-Agent": f"osler-eval/{__version__}", "Accept": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        # Redirects are not followed: they would carry the key to wherever the answer points.
        self._http = httpx2.Client(
            timeout=timeout_s,
            follow_redirects=False,
            headers=headers,
            limits=httpx2.Limits(max_connections=connections),
        )

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that comes back.

        Asked again, at most ``attempts`` times in all, are: status 408, 429 and 5xx, connections that fail, answers
        that break off or are no JSON object. A server's Retry-After is kept, up to two minutes; one that asks for more
        is given up.

        Raises:
            CallError: none came.
        """
        attempt = 1
        while True:
            try:
                return self._sent(path, body)
            except CallError as error:
                if error.is_final or attempt >= self._attempts or error.wait_s > _LONGEST_RETRY_AFTER_S:
                    tries = f" (attempt {attempt})" if attempt > 1 else ""
                    raise CallError(self._harmless(f"{self.base_url}{path}: {error}{tries}"), is_final=True) from None
                self._sleep(max(_backoff_s(attempt), error.wait_s))
            attempt += 1

    def close(self) -> None:
        self._http.close()

    def _sent(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        until = time.monotonic() + self._timeout_s
        try:
            with self._http.stream("POST", self.base_url + path, json=body) as response:
                return _read(response.status_code, response.headers.get("Retry-After", ""), _content(response, until))
        except httpx2.TransportError as error:
            # Not as the cause: the error holds the request, and the request the key.
            raise CallError(f"{type(error).__name__} {error}") from None
        except httpx2.DecodingError:
            raise CallError("the answer broke off") from None

    def _harmless(self, said: str) -> str:
        return said.replace(self._key, "(key)") if self._key else said


def _content(response: httpx2.Response, until: float) -> bytes:
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if len(content) > _MAX_BYTES:
            raise CallError(f"an answer of more than {_MAX_BYTES:,} bytes", is_final=True)
        if time.monotonic() > until:
            raise CallError("the answer took longer than the time allowed")
    return bytes(content)


def _read(status: int, retry_after: str, content: bytes) -> dict[str, Any]:
    if not 200 <= status < 300:
        is_passing = status in (408, 429) or status >= 500
        reason = f"HTTP {status} {_problem(content)}".rstrip()
        raise CallError(reason, is_final=not is_passing, wait_s=retry_after_s(retry_after) or 0.0)
    try:
        found = json.loads(content)
    except ValueError:
        raise CallError("answered with something that is no JSON") from None
    if not isinstance(found, dict):
        raise CallError(f"answered with a JSON {type(found).__name__}; expected an object")
    return found


def _problem(content: bytes) -> str:
    """What an error body says: problem details (RFC 9457), the OpenAI form, or its first words."""
    try:
        found = json.loads(content)
    except ValueError:
        return one_line(content[:200].decode("utf-8", "replace")) if content.strip() else ""
    if not isinstance(found, dict):
        return ""
    error = found.get("error")
    said = error.get("message") if isinstance(error, dict) else error or found.get("detail") or found.get("title")
    return str(said or "")


def _backoff_s(attempt: int) -> float:
    """Twice as long after each attempt, of which a random half, so that workers that failed together part."""
    return min(_FIRST_BACKOFF_S * 2.0 ** (attempt - 1), _LONGEST_BACKOFF_S) * SystemRandom().uniform(0.5, 1.0)
