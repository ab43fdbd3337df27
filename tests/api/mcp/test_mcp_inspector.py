"""The server as the protocol's own inspector sees it: another implementation than the SDK's, in another language."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import jsonschema_rs
import pytest
from inspector import inspected, installed
from mcp_clients import QUESTION, ROOT, process
from under_load import served

from api.keeping.keeping import Keeping
from api.keeping.keys import Scope
from rag.domain import Answer
from rag.render.chat import to_chat


@pytest.fixture(scope="module")
def program() -> Path:
    return installed()


@pytest.mark.slow
def test_it_sees_a_process(program: Path, starter_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    started = process(starter_index, tmp_path / "osler.sqlite")
    see = partial(inspected, program, [started.command, *started.args], OMP_NUM_THREADS="1")
    tools = {tool["name"]: tool for tool in see("tools/list")["tools"]}
    assert list(tools) == ["ask", "search", "get_passage", "verify"]
    result = see("tools/call", "--tool-name", "ask", "--tool-arg", f"question={QUESTION}")
    jsonschema_rs.validate(tools["ask"]["outputSchema"], result["structuredContent"])
    answer = Answer.model_validate(result["structuredContent"])
    assert result["content"] == [{"type": "text", "text": to_chat(answer).text}]
    failed = see("tools/call", "--tool-name", "get_passage", "--tool-arg", "passage_id=none")
    assert failed["isError"]


@pytest.mark.slow
def test_it_sees_a_service_with_a_key(
    program: Path, starter_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSLER_KEYS", "always")
    database = tmp_path / "osler.sqlite"
    with Keeping.open(str(database)) as keeping:
        key = keeping.keys.create("inspector", [Scope.SEARCH])[1]
    with served(starter_index, database) as (address, _):
        server = [f"{address}/mcp", "--transport", "http", "--header", f"Authorization: Bearer {key}"]
        see = partial(inspected, program, server)
        assert [tool["name"] for tool in see("tools/list")["tools"]] == ["search", "get_passage", "verify"]
        options = ("--tool-name", "search", "--tool-arg", "question=HIT", "k=2", 'filter={"year_from": 2018}')
        found = see("tools/call", *options)["structuredContent"]
        assert len(found["hits"]) == 2
        (source,) = see("resources/read", "--uri", f"osler://sources/{found['hits'][0]['source_id']}")["contents"]
        assert found["hits"][0]["passage_id"] in source["text"]
        assert len(see("resources/templates/list")["resourceTemplates"]) == 2
        prompt = see("prompts/get", "--prompt-name", "consult", "--prompt-args", "question=IVIG in HIT?")
        assert "IVIG in HIT?" in prompt["messages"][0]["content"]["text"]
