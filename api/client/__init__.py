"""A client of a running service, for programs: ``Client(address).ask(question)``. See ``docs/client.md``.

Of ours it needs the nouns and the errors alone, and it loads nothing of the server.
"""

from api.client.client import Client, Conversation
from api.client.errors import Fault, NotOslerError, ProblemError, UnreachableError
from api.client.events import (
    BottomLine,
    Done,
    Event,
    References,
    Related,
    Shown,
    SourcesRead,
    StatementSoFar,
    Status,
    Written,
)

__all__ = [
    "BottomLine",
    "Client",
    "Conversation",
    "Done",
    "Event",
    "Fault",
    "NotOslerError",
    "ProblemError",
    "References",
    "Related",
    "Shown",
    "SourcesRead",
    "StatementSoFar",
    "Status",
    "UnreachableError",
    "Written",
]
