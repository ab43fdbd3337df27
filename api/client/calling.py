"""Requests to one service, and what comes back: bytes, or the events of a stream, or an error of ours."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from api.client.errors import Fault, NotOslerError, ProblemError, UnreachableError
from api.client.retrying import Patience, retry_after_s
from rag import __version__
from rag.errors import InputError

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
_PROBLEM: Final = "application/problem+json"
_MAX_BYTES: Final = 32 * 2**20
_CONNECT_S: Final = 10.0
#: A connection that was not used for so long is not used again: the service closes those after 5 seconds, and a request
#: that crosses with that is lost.
_IDLE_S: Final = 4.0
#: Errors after which nobody has had the request.
_UNSENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_REQUEST: Final = "urn:osler:request:"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Body = Mapping[str, Any]
Parameters = Mapping[str, str | int | Sequence[str] | None]


class Calls:
    """Safe to share between threads. Redirects are not followed: they would carry the key to wherever they lead.

    Args:
        base_url: what stands before ``/v1``.
        key: sent as a bearer token; never in an error.
        timeout_s: the longest that a request may take, from sending it to the last byte; within a stream, the longest
            without a byte.
        retries: how often something is tried again at most.
        patience_s: after so many seconds nothing is tried again.

    Raises:
        InputError: the address or the key cannot be one.
    """

    def __init__(
        self, base_url: str, key: str | None = None, *, timeout_s: float = 60.0, retries: int = 4,
        patience_s: float = 120.0, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.base_url = checked_address(base_url)
        self._key = _checked_key(key)
        self._timeout_s, self._retries, self._patience_s, self._sleep = timeout_s, retries, patience_s, sleep
        self._http = httpx2.Client(
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            follow_redirects=False,
            headers={"User-Agent": f"osler-client/{__version__}"} | ({"Authorization": f"Bearer {key}"} if key else {}),
            limits=httpx2.Limits(keepalive_expiry=_IDLE_S),
        )

    def close(self) -> None:
        self._http.close()

    def patience(self, *, is_repeatable: bool) -> Patience:
        return Patience(self._retries, self._patience_s, is_repeatable, self._sleep)

    def send(
        self, method: str, path: str, body: Body | None = None, *, parameters: Parameters | None = None,
        token: str | None = None, is_repeatable: bool = True,
    ) -> bytes:  # fmt: skip
        """What the service answers.

        Args:
            parameters: of the address; those that are None are left out.
            token: the idempotency key, by which a request that is sent again is done once.
            is_repeatable: whether it may be sent again when it may have been done.

        Raises:
            ProblemError, UnreachableError, NotOslerError: it does not, in spite of all patience.
        """
        patience = self.patience(is_repeatable=is_repeatable)
        while True:
            until = time.monotonic() + self._timeout_s
            try:
                with self._response(method, path, JSON, body, parameters, token) as response:
                    return self._content(path, response, until)
            except (ProblemError, UnreachableError) as error:
                patience.wait(error)

    def events(self, path: str, body: Body, token: str) -> Generator[tuple[str, str], None, None]:
        """Name and data of each event of a stream, over one connection, which ends with the generator.

        Raises:
            ProblemError, UnreachableError, NotOslerError: there is no stream, or it broke off.
        """
        with self._response("POST", path, EVENT_STREAM, body, None, token) as response:
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if media_type != EVENT_STREAM:
                raise self._foreign(path, f"answered with {media_type or 'no type'} in place of a stream")
            # Streams of events are UTF-8 whatever their header says, and may begin with a byte order mark.
            response.encoding = "utf-8-sig"
            for event in httpx2.EventSource(response, max_event_size=_MAX_BYTES):
                if event.data:
                    yield event.event, event.data

    def problem(self, path: str, said: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> ProblemError:
        """The error that problem details are; what is not well formed in them is left out."""
        instance, faults = said.get("instance"), said.get("errors")
        is_of_ours = isinstance(instance, str) and instance.startswith(_REQUEST)
        request_id = str(instance).removeprefix(_REQUEST) if is_of_ours else headers.get("X-Request-ID")
        errors = faults if isinstance(faults, list) else []
        return ProblemError(
            self.base_url + path,
            type=str(said.get("type") or "about:blank"),
            status=status,
            detail=self._harmless(str(said.get("detail") or said.get("title") or "")),
            request_id=request_id,
            errors=tuple(Fault(str(e.get("where")), str(e.get("what"))) for e in errors if isinstance(e, dict)),
            retry_after_s=retry_after_s(headers.get("Retry-After")),
        )

    @contextmanager
    def _response(
        self, method: str, path: str, accept: str, body: Body | None, parameters: Parameters | None, token: str | None
    ) -> Iterator[httpx2.Response]:
        """A response that is a success, to be read; errors in reading it are ours too."""
        headers = {"Accept": accept} | ({"Idempotency-Key": token} if token else {})
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        address = self.base_url + path
        try:
            with self._http.stream(method, address, json=body, params=given or None, headers=headers) as response:
                if not response.is_success:
                    raise self._refused(path, response)
                yield response
        # Not as their causes: those hold the request, and the request the key.
        except httpx2.SSEError as error:
            raise self._foreign(path, str(error)) from None
        except httpx2.TransportError as error:
            why = self._harmless(f"{type(error).__name__} {error}".rstrip())
            raise UnreachableError(address, why, was_sent=not isinstance(error, _UNSENT)) from None
        except httpx2.DecodingError:
            raise UnreachableError(address, "the answer broke off", was_sent=True) from None

    def _refused(self, path: str, response: httpx2.Response) -> ProblemError | NotOslerError:
        if response.is_redirect:
            return self._foreign(path, f"HTTP {response.status_code} to {response.headers.get('Location', 'nowhere')}")
        content = self._content(path, response, time.monotonic() + self._timeout_s)
        is_problem = response.headers.get("Content-Type", "").startswith(_PROBLEM)
        try:
            said = json.loads(content) if is_problem else None
        except ValueError:
            said = None
        if not isinstance(said, dict):
            said = {"title": " ".join(content[:200].decode("utf-8", "replace").split()) or response.reason_phrase}
        return self.problem(path, said, response.status_code, response.headers)

    def _content(self, path: str, response: httpx2.Response, until: float) -> bytes:
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > _MAX_BYTES:
                raise self._foreign(path, f"answered with more than {_MAX_BYTES:,} bytes")
            if time.monotonic() > until:
                raise UnreachableError(self.base_url + path, f"no end within {self._timeout_s:g} s", was_sent=True)
        return bytes(content)

    def _foreign(self, path: str, what: str) -> NotOslerError:
        return NotOslerError(self.base_url + path, self._harmless(what))

    def _harmless(self, said: str) -> str:
        return said.replace(self._key, "(key)") if self._key else said


def path_of(*parts: str) -> str:
    """The address of a thing by its id. Raises ``InputError`` for a part that cannot be one."""
    for part in parts:
        if not _ID.fullmatch(part):
            raise InputError(f"id {part!r}: expected letters, figures, '_', '.' and '-'; take it from an answer")
    return "/v1/" + "/".join(parts)


def checked_address(given: str) -> str:
    """The address without a slash at its end. Raises ``InputError`` for one that is none."""
    try:
        parts = urlsplit(given)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        _ = parts.port  # only checked when it is read
    except ValueError:
        is_address = False
    if not is_address:
        raise InputError(f"address {given!r}: expected one like http://127.0.0.1:8000; correct the base URL")
    return given.rstrip("/")


def _checked_key(key: str | None) -> str | None:
    if key and not re.fullmatch(r"[!-~]+", key):
        raise InputError(
            "key: it has a space or a character beyond ASCII; expected one as `osler keys create` shows it"
        )
    return key
