"""What can go wrong between a client and a service.

    OslerError
    ├── ProblemError              the service refuses, or fails, and says why (RFC 9457)
    └── FailureError
        ├── UnreachableError      there is no connection, or it was lost
        └── NotOslerError         what comes back is not what an Osler gives

What is wrong with an argument is an ``InputError``, before anything is sent.
"""

from __future__ import annotations

from typing import NamedTuple

from rag.errors import FailureError, OslerError


class Fault(NamedTuple):
    """One thing that is wrong with a request: the part of it, such as "body.question", and what."""

    where: str
    what: str


class ProblemError(OslerError):
    """Problem details. No key stands in them.

    Attributes:
        type: kind of the problem, stable: ``urn:osler:problem:`` and a name of the table in ``docs/service.md``;
            ``about:blank`` for one that no Osler has told, as a proxy's.
        status: of HTTP, 400 to 599.
        detail: for people.
        request_id: by which the service's log knows the request.
        errors: parts of the request that are wrong.
        retry_after_s: seconds until it may be tried again, where the service says so.
    """

    def __init__(
        self, about: str, *, type: str, status: int, detail: str, request_id: str | None = None,
        errors: tuple[Fault, ...] = (), retry_after_s: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{about}: HTTP {status} {detail}".rstrip())
        self.type, self.status, self.detail = type, status, detail
        self.request_id, self.errors, self.retry_after_s = request_id, errors, retry_after_s
        self.exit_code = 2 if status < 500 else 1

    @property
    def name(self) -> str:
        """The last word of ``type``, such as "rate-limited"."""
        return self.type.rpartition(":")[2]


class UnreachableError(FailureError):
    """No whole response. ``was_sent``: the service may have had the request, and done what it asks for."""

    def __init__(self, about: str, why: str, *, was_sent: bool) -> None:
        super().__init__(f"{about}: {why}; expected an answer; see that the service runs there")
        self.why, self.was_sent = why, was_sent


class NotOslerError(FailureError):
    def __init__(self, about: str, what: str) -> None:
        super().__init__(f"{about}: {what}; expected what an Osler service gives; correct the address")
