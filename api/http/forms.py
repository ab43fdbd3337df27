"""Which form of a thing a client accepts (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from api.http.problems import NO_FORM, ProblemError


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """The media type of ``offered`` that is accepted most, the first of those that are alike; the first by default.

    Raises:
        ProblemError: none of them is accepted.
    """
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))  # the first of the best
    if _quality(best, ranges) <= 0:
        raise ProblemError(NO_FORM, f"Accept names none of {', '.join(offered)}; ask for one of them")
    return best


def _range(part: str) -> tuple[str, float]:
    media_range, *parameters = (p.strip().lower() for p in part.split(";"))
    weights = [p[2:] for p in parameters if p.startswith("q=")]
    try:
        return media_range, float(weights[0]) if weights else 1.0
    except ValueError:
        return media_range, 0.0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The weight of the most specific range that holds the type; 0 for one that none holds."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        found = [weight for media_range, weight in ranges if media_range == wanted]
        if found:
            return max(found)
    return 0.0
