"""The protocol on standard input and output, for a client that starts this process: it asks as who has started it.

Standard output is the protocol's alone; the SDK turns whatever else is written there to standard error, as the log is.
"""

from __future__ import annotations

import asyncio
import signal

from mcp.server.stdio import stdio_server

from api.http.life import alive
from api.http.security import LOCAL
from api.http.service import Service
from api.mcp.server import server_of


def run(service: Service) -> None:
    """Serves until the client closes standard input; closes the service."""
    # The SDK's reader waits in a thread that nothing wakes: Ctrl-C is to end the process, which loses nothing kept.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(_serve(service))


async def _serve(service: Service) -> None:
    server = server_of(service, LOCAL)
    async with stdio_server() as (incoming, outgoing), alive(service):
        await server.run(incoming, outgoing, server.create_initialization_options())
