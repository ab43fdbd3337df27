"""``docs/client.md`` says what is so: its programs run, its tables are complete."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import listening

import rag
from api import client
from api.client import Client, Conversation, retrying
from api.http.service import Service
from rag.pipeline import Pipeline

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "client.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
LOCAL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def address(shared_service: Service) -> Iterator[str]:
    with listening(shared_service) as address:
        yield address


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_programs_run(
    number: int,
    address: str,
    starter_index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))
    exec(compile(PROGRAMS[number].replace(LOCAL, address), f"program {number}", "exec"), {})
    assert capsys.readouterr().out


def test_set_up_takes_less_than_ten_lines() -> None:
    assert all(len(program.splitlines()) < 10 for program in PROGRAMS[:2])


def test_the_library_has_its_pipeline() -> None:
    assert rag.Pipeline is Pipeline
    with pytest.raises(AttributeError, match="no attribute 'Answers'"):
        _ = rag.Answers


def test_tables_are_complete() -> None:
    rows = re.findall(r"^\| (`\w+`.*?) \|", PAGE, re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    methods = {
        name
        for kind in (Client, Conversation)
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }
    errors = {name for name in client.__all__ if name.endswith("Error")}
    assert named == (methods - {"close"}) | errors | {"InputError"}
    assert {name for name in client.__all__ if f"`{name}`" not in PAGE and name not in "".join(PROGRAMS)} == {
        "Conversation", "Event", "Fault",
    }  # fmt: skip


def test_what_is_sent_again_is_what_is_said() -> None:
    said = re.search(r"the statuses ([\d, and]+), up to (\d) times .* within (\d+) seconds", PAGE)
    assert said
    assert set(map(int, re.findall(r"\d+", said[1]))) == retrying._PASSING
    defaults = inspect.signature(Client).parameters
    assert (int(said[2]), int(said[3])) == (defaults["retries"].default, defaults["patience_s"].default)
    assert f"`timeout_s` ({defaults['timeout_s'].default:.0f})" in PAGE


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
