"""What stands between a client and a service, on loopback: proxies that split, hold back or lose what passes."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: What passes of a response: gets the number of the connection, from 1, and the pieces of its response, head included,
#: as they come. When it ends the connection is closed.
Passing = Callable[[int, Iterator[bytes]], Iterator[bytes]]
_PIECE = 65536


def bytewise(_: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Byte by byte, so that every character, line and event is split."""
    for piece in pieces:
        yield from (piece[n : n + 1] for n in range(len(piece)))


def buffered(_: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """All at once when the response has ended, as proxies do that are not told to stream."""
    yield b"".join(pieces)


def whole(_: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces


def cut(after: int, times: int = 1) -> Passing:
    """The first ``times`` connections are closed after so many bytes of the response; with 0 it is lost as a whole."""

    def passing(number: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        if number > times:
            yield from pieces
            return
        left = after
        for piece in pieces:
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return

    return passing


@contextmanager
def proxy(address: str, passing: Passing) -> Iterator[str]:
    """A proxy of the service at ``address`` for the length of a block; gives its own address.

    A connection has one request. When the client leaves, so does the proxy.
    """
    _, host, port = re.split(r"://|:", address)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        passed = list[threading.Thread]()

        def accept() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    client = listener.accept()[0]
                    number = len(passed) + 1
                    passed.append(threading.Thread(target=_pass, args=(client, (host, int(port)), passing, number)))
                    passed[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            for thread in (accepting, *passed):
                thread.join()


def _pass(client: socket.socket, server: tuple[str, int], passing: Passing, number: int) -> None:
    with client, suppress(OSError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(30)
        request = _request(client)
        with socket.create_connection(server) as upstream:
            upstream.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            for piece in passing(number, _pieces(upstream, client)):
                client.sendall(piece)


def _request(client: socket.socket) -> bytes:
    """One whole request."""
    request = b""
    while not (head := re.match(rb"(?s).*?\r\n\r\n", request)) or len(request) < head.end() + _length(head[0]):
        piece = client.recv(_PIECE)
        if not piece:
            raise ConnectionError("the client left")
        request += piece
    return request


def _length(head: bytes) -> int:
    found = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return int(found[1]) if found else 0


def _pieces(upstream: socket.socket, client: socket.socket) -> Iterator[bytes]:
    while True:
        ready, _, _ = select.select([upstream, client], [], [])
        if client in ready:  # it says no more, so that it left
            raise ConnectionError("the client left")
        piece = upstream.recv(_PIECE)
        if not piece:
            return
        yield piece
