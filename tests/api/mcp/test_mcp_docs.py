"""``docs/mcp.md`` says what is so: its commands parse, its tables have what the server has."""

from __future__ import annotations

import json
import re
import shlex

from mcp_clients import ROOT

from api.cli import parser
from api.mcp.prompts import PROMPTS
from api.mcp.resources import TEMPLATES
from api.mcp.tools import TOOLS

PAGE = (ROOT / "docs" / "mcp.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """Rows of the table under a heading, their cells without backticks."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = re.findall(r"^\| `.*$", section, re.M)
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_commands_and_settings_of_clients_can_be_used() -> None:
    commands = [shlex.split(line)[1:] for block in blocks("sh") for line in block.splitlines()]
    local, remote = (json.loads(block)["mcpServers"]["osler"] for block in blocks("json"))
    assert local["command"] == "osler"
    for arguments in [*commands, local["args"]]:
        assert parser().parse_args(arguments).command == "serving.mcp"
    assert remote["url"].endswith("/mcp")
    assert all(len(block.splitlines()) < 10 for block in blocks("json"))


def test_tables_are_those_of_the_server() -> None:
    tools = {names(row[0])[0]: (names(row[1]), sorted(names(row[2]))) for row in rows("Tools")}
    assert tools == {t.name: ([t.scope.value], sorted(t.takes.model_fields)) for t in TOOLS.values()}
    assert [(row[0].strip("`"), names(row[1])) for row in rows("Resources")] == [
        (template.pattern, [template.scope.value]) for template in TEMPLATES
    ]
    prompts = {names(row[0])[0]: names(row[1]) for row in rows("Prompts")}
    assert prompts == {prompt.name: list(prompt.arguments) for prompt in PROMPTS.values()}


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert links
    assert all((ROOT / "docs" / link).is_file() for link in links)
