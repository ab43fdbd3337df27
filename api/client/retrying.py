"""When something is tried again, and after how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from secrets import SystemRandom
from typing import Final

from api.client.errors import ProblemError, UnreachableError

_FIRST_S: Final = 0.5
_LONGEST_S: Final = 30.0
#: Refused before anything was done, so that even what must not be done twice may be sent again.
_RATE: Final = 429
#: What passes by itself: a rate that is used up, a service or a proxy before it that is busy, starting or broken.
_PASSING: Final = frozenset({408, _RATE, 500, 502, 503, 504})


class Patience:
    """How often, and how long, one thing is tried. Made anew for each.

    Args:
        retries: times that it may be tried again.
        patience_s: seconds after which it is not tried again, waits included.
        is_repeatable: whether it may be done twice, as what only reads, or what has a key by which it is done once.
    """

    def __init__(
        self, retries: int, patience_s: float, is_repeatable: bool, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._left, self._until = retries, time.monotonic() + patience_s
        self._is_repeatable, self._sleep = is_repeatable, sleep
        self._backoff_s = _FIRST_S

    def wait(self, error: ProblemError | UnreachableError) -> None:
        """Waits until the next try: as long as the service asks for, and twice as long each time.

        Of that time a random half is left out, so that those who failed together do not come together again.

        Raises:
            ProblemError, UnreachableError: ``error``, when there is to be no other try.
        """
        asked_s = (error.retry_after_s or 0.0) if isinstance(error, ProblemError) else 0.0
        wait_s = max(asked_s, self._backoff_s * SystemRandom().uniform(0.5, 1.0))
        if not self._left or not self._passes(error) or time.monotonic() + wait_s > self._until:
            raise error
        self._left -= 1
        self._backoff_s = min(2 * self._backoff_s, _LONGEST_S)
        self._sleep(wait_s)

    def _passes(self, error: ProblemError | UnreachableError) -> bool:
        if isinstance(error, UnreachableError):
            return self._is_repeatable or not error.was_sent
        return error.status in _PASSING if self._is_repeatable else error.status == _RATE


def retry_after_s(given: str | None) -> float | None:
    """What ``Retry-After`` says, in seconds (RFC 9110, section 10.2.3): a number or a date; None for neither."""
    if given is None:
        return None
    if given.strip().isdecimal():
        return float(given)
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
