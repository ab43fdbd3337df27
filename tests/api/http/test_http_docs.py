"""``docs/service.md`` says what is so: its commands parse, its requests are served, its tables are complete."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from running import events_of
from starlette.testclient import TestClient

from api.cli import parser
from api.http.problems import KINDS
from api.http.streaming import EVENT_STREAM
from api.keeping.keys import Scope
from api.settings import ServiceSettings
from eval.readme import part, settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "service.md").read_text("utf-8")
_REQUEST = re.compile(r"^(GET|POST|PATCH|DELETE) (\S+)$")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def requests(page: str) -> list[tuple[str, str, dict[str, str], Any]]:
    """The requests of all blocks: method, address, headers, body."""
    found: list[tuple[str, str, dict[str, str], Any]] = []
    for block in re.findall(r"^```http\n(.*?)^```", page, re.M | re.S):
        for text in re.split(r"\n(?=(?:GET|POST|PATCH|DELETE) /)", block):
            head, _, body = text.partition("\n\n")
            first, *headers = head.strip().splitlines()
            match = _REQUEST.match(first)
            assert match, first
            named = dict(header.split(": ", 1) for header in headers)
            found.append((match[1], match[2], named, json.loads(body) if body.strip() else None))
    return found


def test_requests_are_served(client: TestClient) -> None:
    ids = dict[str, str]()
    sent = requests(PAGE)
    assert len(sent) > 25
    for method, address, headers, body in sent:
        given = client.request(method, address.format(**ids), headers=headers, json=body)
        assert given.is_success, (address, given.text)
        if headers.get("Accept") == EVENT_STREAM:
            names = {name for name, _ in events_of(given.text)}
            assert names <= set(re.findall(r"^\| `(\w+)` \|", section("Asking"), re.M))
        elif given.headers["content-type"] == "application/json":
            ids = {k: v for k, v in given.json().items() if k in ("answer_id", "conversation_id")} | ids


def test_every_operation_is_shown_or_named(client: TestClient) -> None:
    patterns = {re.sub(r"\?.*", "", address) for _, address, _, _ in requests(PAGE)}
    for path in client.get("/openapi.json").json()["paths"]:
        form = re.compile(re.sub(r"\{\w+\}", r"[^/]+", path.replace(".", r"\.")))
        is_shown = any(form.fullmatch(address) for address in patterns)
        assert is_shown or path in PAGE or path.startswith("/v1/webhooks/"), path


def test_commands_can_be_parsed() -> None:
    commands = re.findall(r"^osler .+$", "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)), re.M)
    assert len(commands) >= 4
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[1:])


def test_tables_are_complete() -> None:
    assert part(PAGE, "settings") == settings(ServiceSettings)
    problems = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", section("Problems"), re.M)
    assert problems == [(kind.name, str(kind.status)) for kind in KINDS]
    assert re.findall(r"^\| `([a-z]+)` \|", section("Running it"), re.M) == list(Scope)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
