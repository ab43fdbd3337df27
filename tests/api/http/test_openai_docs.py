"""``docs/openai.md`` and ``docs/llm.md`` say what is so; their blocks run in ``test_openai_commands.py``."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import openai
import pytest
from running import open_service
from starlette.testclient import TestClient

from api.cli import parser
from api.http import problems
from api.http.description import operations
from api.http.openai import chat, embeddings, responses
from api.http.openai.completions import Ours
from api.http.openai.faults import status_of
from api.http.openai.names import MODELS

ROOT = Path(__file__).parents[3]
PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("openai.md", "llm.md")}
PAGE = PAGES["openai.md"]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [row.split(" | ") for row in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE)]


def test_every_address_is_named(shared: TestClient) -> None:
    described = shared.get("/openapi.json").json()["paths"]
    ours = {
        f"`{method.upper()} {path}`"
        for path, methods in described.items() for method, operation in methods.items()
        if "openai" in operation.get("tags", ())
    }  # fmt: skip
    assert len(list(operations(shared.get("/openapi.json").json()))) > len(ours) == 5
    assert {cells[0] for cells in rows("What there is")} == ours


def test_every_model_and_field_of_ours_is_named() -> None:
    assert [name for name in (*MODELS, embeddings.NAME, *Ours.model_fields) if f"`{name}`" not in PAGE] == []


def test_what_is_refused_is_what_the_page_says() -> None:
    table = rows("What is refused")
    for face, refused in (("chat", chat._DONE_ONLY), ("responses", responses._DONE_ONLY)):
        assert {name.strip("`"): accepted(cell) for name, of, cell in table if of in (face, "both")} == refused


def accepted(cell: str) -> tuple[object, ...]:
    """The values that a cell names, as JSON or as a word."""
    return tuple(json.loads(v) if v[0] in "[{1f" else v for v in re.findall(r"`([^`]+)`", cell))


def test_exceptions_have_their_statuses() -> None:
    table = {cells[0].strip("`"): cells[1] for cells in rows("Errors")}
    for name, status in table.items():
        raised = getattr(openai, name)
        assert issubclass(raised, openai.APIStatusError)
        assert status == (str(raised.status_code) if hasattr(raised, "status_code") else status)
    statuses = {status_of(kind) for kind in problems.KINDS}
    assert {int(status) for status in table.values() if status.isdecimal()} <= statuses


def test_the_texts_that_can_be_embedded_are_as_long_as_it_says(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path)
    with service.serving.pipeline() as pipeline:
        most = pipeline.snapshot.words.max_tokens - embeddings._ENDS
    service.close()
    assert f"({most} tokens of the packaged one)" in PAGE
    assert f"At most {embeddings._MOST} texts" in PAGE


def test_it_is_set_up_in_less_than_ten_lines() -> None:
    for page in PAGES.values():
        section = page.split("\n## Setting it up\n", 1)[1].split("\n## ", 1)[0]
        lines = [
            line for block in re.findall(r"^```\w+\n(.*?)^```", section, re.M | re.S) for line in block.splitlines()
        ]
        assert 0 < len(lines) < 10


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_there(name: str) -> None:
    page = PAGES[name]
    for command in re.findall(r"`(osler [^`]+)`", page):
        parser().parse_args(shlex.split(command)[1:])
    for block in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S):
        ast.parse(block)
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
