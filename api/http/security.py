"""Who may do what: API keys with scopes, none needed on this machine, and how often.

No key is needed by who calls from this machine at a loopback address of a server that listens at loopback only, unless
the settings say ``always``. A request that a proxy has passed on is not from this machine. Neither is one that a page
of a browser on this machine has made: for a host by another name (DNS rebinding), or from another origin, unless the
settings name it (cross-site request forgery).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from api.http.problems import NO_KEY, NO_SCOPE, RATE, ProblemError
from api.http.service import Service, service_of
from api.keeping.keys import Scope, is_of_form
from api.settings import is_loopback

_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="an API key, as `osler keys create` gives it")
_FORWARDED: Final = ("forwarded", "x-forwarded", "x-real-ip", "x-client-ip", "via")
#: What browsers say of requests that a page of this origin made, or a person (Fetch Metadata).
_OWN_SITE: Final = ("same-origin", "none")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="osler"'}


class Caller(NamedTuple):
    """Who makes a request. ``key_id`` is None for who needed no key; ``actor`` is what the audit log calls them."""

    key_id: str | None
    actor: str
    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def check(self, scope: Scope) -> None:
        """Raises ``ProblemError`` for who lacks the scope."""
        if not self.may(scope):
            raise ProblemError(NO_SCOPE, f"the key lacks the scope {scope.value}; expected one that has it")


LOCAL: Final = Caller(None, "local", "local", frozenset(Scope))
_Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


def needs(scope: Scope) -> Callable[[Request, _Given], Coroutine[Any, Any, Caller]]:
    """A dependency that gives the caller, who has the scope, or raises a problem."""

    async def caller(request: Request, given: _Given) -> Caller:
        found = await _caller(request, given)
        found.check(scope)
        return found

    return caller


async def caller_of(request: Request) -> Caller:
    """Who makes a request, whatever they may do. Raises ``ProblemError`` for who is not known, or comes too often."""
    return await _caller(request, await _BEARER(request))


async def _caller(request: Request, given: HTTPAuthorizationCredentials | None) -> Caller:
    return await caller_with(request, given.credentials if given else None)


async def caller_with(request: Request, whole: str | None) -> Caller:
    """Who makes a request with a key, or without. Raises ``ProblemError`` as ``caller_of``."""
    service = service_of(request)
    # Clients of OpenAI's interface cannot be had without a key: what is none of ours says nothing.
    if (whole is None or not is_of_form(whole)) and needs_no_key(service, request):
        return LOCAL  # who has every scope
    return await run_in_threadpool(_admitted, service, request, whole)


Asker = Annotated[Caller, Depends(needs(Scope.ASK))]
Searcher = Annotated[Caller, Depends(needs(Scope.SEARCH))]
Reviewer = Annotated[Caller, Depends(needs(Scope.REVIEW))]
Admin = Annotated[Caller, Depends(needs(Scope.ADMIN))]


def _admitted(service: Service, request: Request, whole: str | None) -> Caller:
    """Raises ``ProblemError`` for who is not known, or comes too often."""
    address = request.client.host if request.client else "unknown"
    _count(service, "address", _holding(address), service.settings.rate_by_address)
    if whole is None:
        raise ProblemError(NO_KEY, "no API key; send one as `Authorization: Bearer KEY`", _CHALLENGE)
    key = service.keeping.keys.find(whole)
    if key is None:
        raise ProblemError(NO_KEY, "the API key is unknown, expired or revoked; expected a valid one", _CHALLENGE)
    request.state.facts["key"] = key.prefix
    _count(service, "key", key.prefix, service.settings.rate_by_key)
    return Caller(key.key_id, key.prefix, key.name, key.scopes)


def needs_no_key(service: Service, request: Request) -> bool:
    """Whether a request without a key is from this machine, to a server that only this machine reaches."""
    settings = service.settings
    if settings.keys == "always" or settings.is_public:
        return False
    is_near = request.client is not None and is_loopback(request.client.host)
    is_passed_on = any(name.startswith(_FORWARDED) for name in request.headers)
    is_strange = is_another_pages(request, settings.cors_origins)
    return is_near and not is_passed_on and not is_strange and is_loopback(_host(request))


def _host(request: Request) -> str:
    """The host that is asked for, without its port; nothing where that cannot be read."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def is_another_pages(request: Request, trusted: tuple[str, ...]) -> bool:
    """Whether a page in a browser made the request that is neither of this server nor of an origin that is trusted."""
    origin = request.headers.get("origin")
    if origin is None:
        is_own = request.headers.get("sec-fetch-site", "none") in _OWN_SITE
        return not is_own and not _is_followed(request)
    own = request.headers.get("host", "")
    return origin not in (f"http://{own}", f"https://{own}", *trusted)


def _is_followed(request: Request) -> bool:
    """Whether somebody has followed a link to here: the page that it stood on learns nothing."""
    headers = request.headers
    to_document = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return request.method == "GET" and to_document


def _holding(address: str) -> str:
    """What one client holds and may call from at will: an address of IPv4, a network of 64 bits of IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))


def _count(service: Service, kind: str, who: str, rate: str) -> None:
    """Counts a request, and refuses one too many."""
    found = service.keeping.rates.hit(f"{kind}:{who}", rate)
    if not found.is_allowed:
        seconds = str(int(found.reset_s) + 1)  # at the very moment it would be too early still
        raise ProblemError(RATE, f"more than {rate} by this {kind}; try again in {seconds} s", {"Retry-After": seconds})
