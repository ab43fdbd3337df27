"""Where webhooks may lead: not to addresses that only this machine or its network reaches.

Else who may register one could have the service call what they cannot (server-side request forgery). A name is looked
up once, for each delivery, and the address that was checked is the one that is called: a name that leads elsewhere a
moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from rag.errors import InputError

MAX_URL_CHARS = 2000
# Networks that count as global but hold the addresses of others, 6to4, Teredo, NAT64, addresses of IPv4 as IPv6 has
# written them before (RFC 4291, 6052), and those that were once a site's own.
_HIDING = tuple(
    map(
        ipaddress.ip_network,
        ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96", "fec0::/10"),
    )
)


def checked_url(url: str, allows_private: bool) -> str:
    """The address as given, when it may be registered; names are only looked up when they are called.

    Raises:
        InputError: it is no address of the web, is not encrypted, holds a password, or is private.
    """
    parts = _parts(url)
    if parts.scheme != "https" and not (allows_private and parts.scheme == "http"):
        raise InputError(f"url {_shown(parts)}: expected https")
    try:
        literal = ipaddress.ip_address(str(parts.hostname))
    except ValueError:
        literal = None
    if literal is not None and not allows_private and not is_public(str(literal)):
        raise InputError(f"url {_shown(parts)}: leads to a private address; expected one that is public")
    return url


def addresses(host: str, port: int, allows_private: bool) -> list[str]:
    """What a host's name leads to, in the order in which it is to be tried.

    Raises:
        InputError: it leads nowhere, or one of its addresses is private.
    """
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise InputError(f"host {host[:80]!r}: not found ({error})") from None
    if not allows_private and not all(map(is_public, found)):
        raise InputError(f"host {host[:80]!r}: leads to a private address; expected one that is public")
    return list(dict.fromkeys(found))


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in _HIDING):
            return False
    return found.is_global and not found.is_multicast


def _parts(url: str) -> SplitResult:
    is_plain = len(url) <= MAX_URL_CHARS and url.isascii() and url.isprintable() and " " not in url
    try:
        parts = urlsplit(url if is_plain else "")
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.username is not None or parts.fragment:
        raise InputError(
            f"url of {len(url)} characters: expected https://host/path, in ASCII, with neither user nor fragment"
        )
    return parts


def _shown(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.hostname}"
