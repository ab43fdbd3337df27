"""What ``docs/keeping.md`` says, held against the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from api.cli import parser
from api.keeping import deliveries, keys, signing, standing, tables
from api.keeping.audit import Anchor
from api.keeping.backup import TABLES
from api.settings import ServiceSettings

PAGE = (Path(__file__).parents[3] / "docs" / "keeping.md").read_text("utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def first_column(text: str) -> list[str]:
    rows = re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_every_table_is_named() -> None:
    assert set(first_column(section("What"))) == set(tables.metadata.tables)
    left_out = tables.metadata.tables.keys() - {t.name for t in TABLES}
    said = re.search(r"all tables but `(\w+)` and `(\w+)`", PAGE)
    assert said
    assert set(said.groups()) == left_out


def test_every_step_and_reason_is_named() -> None:
    table = dict(re.findall(r"^\| (\w+) \| (`.*) \|$", section("Reviews"), re.MULTILINE))
    found = {step: set(re.findall(r"`(\w+)`", reasons)) for step, reasons in table.items()}
    assert found == {action.value: {r.value for r in reasons} for action, reasons in standing.REASONS.items()}
    assert [s for s in standing.State if s not in section("Reviews")] == []


def test_what_may_follow_is_what_the_drawing_says() -> None:
    ways = re.findall(r"(?=\b(\w+) ─(\w+)→ (\w+))", section("Reviews"))
    assert len(ways) == 4
    for before, action, after in ways:
        assert action in standing.allowed(standing.Standing(standing.State(before)))
        assert standing.AFTER[standing.Action(action)] == after
    assert standing.allowed(standing.Standing(standing.State.UNDER_REVIEW)) >= {"approve", "reject"}
    for again in ("stale", "rejected"):
        assert "submit" in standing.allowed(standing.Standing(standing.State(again)))


def test_scopes_and_numbers_are_those_of_the_code() -> None:
    assert [s for s in keys.Scope if f"`{s}`" not in section("Keys")] == []
    assert f"{keys._SECRET_BYTES * 8} random bits" in section("Keys")
    hooks = section("Webhooks")
    assert f"older than {signing.TOLERANCE_S} s" in hooks
    assert f"within {deliveries.TIMEOUT_S} s is sent again after {deliveries.FIRST_DELAY_S} s" in hooks
    assert f"after {deliveries.MAX_ATTEMPTS} times it is dead" in hooks
    assert deliveries.MAX_DELAY_S == 3600
    assert "at most an hour" in hooks
    assert ServiceSettings().database.endswith("data/osler.sqlite")


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^osler .+$", "\n".join(blocks), re.MULTILINE)


@pytest.mark.parametrize("command", commands())
def test_commands_can_be_parsed(command: str) -> None:
    arguments = parser().parse_args(shlex.split(command, comments=True)[1:])
    if getattr(arguments, "anchor", None):
        assert Anchor.parsed(arguments.anchor).sequence == 1042


def test_options_that_the_page_names_exist() -> None:
    parsed = parser().parse_args(["forget", "--conversation", "c", "--even-reviewed"])
    assert parsed.even_reviewed
    for command in ("backup", "restore"):
        assert parser().parse_args([command, "f", "--force"]).force
