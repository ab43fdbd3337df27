"""What the operator of the service can set beside ``rag.settings``: an ``OSLER_…`` variable, an option of it."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, field_validator

from rag.settings import FromEnvironment, home

#: Of what a limit of the ``limits`` library looks like: "60/minute", "1000 per 2 hours".
_RATE = r"^\d+\s*(/|per)\s*(\d+\s*)?(second|minute|hour|day|month|year)s?$"
Rate = Annotated[str, Field(pattern=_RATE)]


class ServiceSettings(FromEnvironment):
    """All settings of ``osler serve``. The table in ``docs/service.md`` is made from the descriptions."""

    host: str = Field(default="127.0.0.1", description="address to listen at; any but loopback needs keys")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8000, description="port to listen at; 0 is any free one"
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="processes that answer; each holds the model and a copy of what it has read"
    )
    database: str = Field(
        default_factory=lambda: str(home("data") / "osler.sqlite"),
        description="where answers, conversations, reviews, keys and the audit log are kept: the path of an SQLite "
        "file, or `postgresql://user@host/name`",
    )
    keys: Literal["auto", "always"] = Field(
        default="auto",
        description="`auto`: no key is needed by who asks on this machine, at a loopback address; `always`: everybody "
        "needs one, as behind a proxy",
    )
    threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4, description="questions that a process answers at once; what waits beside them is queued"
    )
    queue: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=64, description="questions that may wait in a process; beyond them 503 is answered at once"
    )
    timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=30, description="seconds that a question may take, its wait included; then 504 is answered"
    )
    remembered: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=256, description="answers that a process remembers, to give them again at once; 0 is none"
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(default=65_536, description="largest body of a request")
    max_history_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=2_097_152,
        description="largest body of a request that tells a whole conversation, as chat front ends do, or embeds texts",
    )
    max_turns: Annotated[int, Field(ge=1)] = Field(default=50, description="questions that a conversation may hold")
    rate_by_key: Rate = Field(default="600/minute", description="requests that a key may make")
    rate_by_address: Rate = Field(default="1200/minute", description="requests that may come from an address")
    cors_origins: tuple[str, ...] = Field(
        default=(), description="origins whose pages may call the service, separated by commas; none is off"
    )
    mask_identifiers: bool = Field(
        default=True,
        description="whether identifiers of patients in a question (names, dates of birth, record numbers, phones, "
        "e-mails) are masked before it is asked or stored",
    )
    log_questions: bool = Field(
        default=False, description="whether questions and answers may stand in the log: they are health data"
    )
    private_webhooks: bool = Field(
        default=False,
        description="whether webhooks may lead to addresses of this machine and its network, and without encryption",
    )
    otlp_endpoint: str | None = Field(
        default=None, description="address that OpenTelemetry traces are sent to, such as `http://127.0.0.1:4318`"
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("otlp_endpoint", mode="before")
    @classmethod
    def _unless_empty(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def is_public(self) -> bool:
        """Whether it listens at an address that others than this machine may reach."""
        return not is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own, unreachable from others."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
