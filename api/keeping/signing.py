"""Signatures of webhooks' deliveries: HMAC-SHA256 (RFC 2104) over the time and the body.

The time is signed, too, so that a delivery that somebody has recorded cannot be sent again later.
"""

from __future__ import annotations

import hashlib
import hmac

_SCHEME = "v1"
#: How old a signature may be, or how far ahead of the receiver's clock.
TOLERANCE_S = 300


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What the header ``Osler-Signature`` holds.

    Args:
        timestamp: seconds since 1970, as in ``Osler-Timestamp``.
    """
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"{_SCHEME}={digest}"


def is_signed(secret: str, timestamp: int, body: bytes, given: str, now: float) -> bool:
    """What a receiver checks: that the secret's holder has sent exactly this, not long ago. In constant time."""
    is_recent = abs(now - timestamp) <= TOLERANCE_S
    return hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode()) and is_recent
