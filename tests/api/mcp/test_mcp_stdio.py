"""``osler mcp`` as a process that a client starts: nothing but the protocol on standard output."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import jsonschema_rs
import pytest
from mcp import Client
from mcp_clients import MODES, QUESTION, ROOT, process, text_of
from under_load import until

from api.keeping.keeping import Keeping
from rag.domain import Answer


@pytest.mark.parametrize("mode", MODES)
def test_what_clients_of_both_kinds_do(starter_index: Path, tmp_path: Path, mode: str) -> None:
    database = tmp_path / "osler.sqlite"

    async def asks() -> Answer:
        async with Client(process(starter_index, database), mode=mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert list(tools) == ["ask", "search", "get_passage", "verify"]
            told = list[str | None]()

            async def progress(_number: float, _total: float | None, message: str | None) -> None:
                told.append(message)

            result = await client.call_tool("ask", {"question": QUESTION}, progress_callback=progress)
            assert told[:3] == ["accepted", "start", "interpret"]
            assert tools["ask"].output_schema
            jsonschema_rs.validate(tools["ask"].output_schema, result.structured_content)
            answer = Answer.model_validate(result.structured_content)
            (content,) = (await client.read_resource(f"osler://answers/{answer.answer_id}")).contents
            assert content.model_dump()["text"] == text_of(result)
            assert (await client.list_resources()).resources
            assert (await client.get_prompt("consult", {"question": "IVIG?"})).messages
            refused = await client.call_tool("ask", {"question": "?", "conversation_id": "c1"})
            assert refused.is_error
            with anyio.CancelScope() as scope:

                async def cancel(_number: float, _total: float | None, message: str | None) -> None:
                    scope.cancel()

                question = "Should IVIG be given in HIT with cirrhosis?"
                await client.call_tool("ask", {"question": question}, progress_callback=cancel)
            assert scope.cancelled_caught
            await client.call_tool("search", {"question": "the next is answered as any other"})
            return answer

    answer = asyncio.run(asks())
    with Keeping.open(str(database)) as keeping:
        entries = [(entry.actor, entry.action, entry.subject) for entry in keeping.audit.entries()]
        assert entries == [("local", "answer.made", answer.answer_id), ("local", "answer.read", answer.answer_id)]
        assert keeping.answers.get(answer.answer_id).answer() == answer


def message(number: int, method: str, **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"


def test_standard_output_is_the_protocols_alone_and_the_log_tells_no_question(
    starter_index: Path, tmp_path: Path
) -> None:
    started = process(starter_index, tmp_path / "osler.sqlite")
    begin = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    with subprocess.Popen(
        [started.command, *started.args], cwd=ROOT, env=started.env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdin
        assert running.stdout
        assert running.stderr
        running.stdin.write(message(1, "initialize", **begin))
        running.stdin.write("argatroban is no JSON\n")
        running.stdin.write(message(3, "argatroban/ask"))
        running.stdin.write(message(2, "tools/call", name="ask", arguments={"question": QUESTION}))
        running.stdin.flush()
        answers = [json.loads(running.stdout.readline())]
        while 2 not in [answer.get("id") for answer in answers]:
            answers.append(json.loads(running.stdout.readline()))
        running.stdin.close()
        assert running.stdout.read() == ""
        log = running.stderr.read()
    assert running.returncode == 0
    assert all(answer["jsonrpc"] == "2.0" for answer in answers)
    events = [json.loads(line) for line in log.splitlines()]
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "stopped"
    (asked,) = [event for event in events if event.get("tool") == "ask"]
    assert asked["outcome"] == "answered"
    assert "argatroban" not in log.lower()


@pytest.mark.parametrize(
    ("given", "said"),
    [(["--index", "none/here"], "none/here"), (["--database", "mysql://x/y"], "mysql")],
    ids=["index", "database"],
)  # fmt: skip
def test_what_it_cannot_use_is_said_in_one_line(
    starter_index: Path, tmp_path: Path, given: list[str], said: str
) -> None:
    command = [sys.executable, "-m", "api.cli", "mcp", "--index", str(starter_index)]
    command += ["--database", str(tmp_path / "osler.sqlite"), *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_the_package_it_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['mcp'] = None; from api.cli import main; sys.exit(main(['mcp']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "osler: mcp: the package is not installed; install it with `pip install 'osler[mcp]'`\n"


def test_it_ends_on_interruption(starter_index: Path, tmp_path: Path) -> None:
    import signal

    started = process(starter_index, tmp_path / "osler.sqlite")
    with subprocess.Popen(
        [started.command, *started.args], cwd=ROOT, env=started.env, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stderr
        assert "started" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        until(lambda: running.poll() is not None, 10)
        assert "Traceback" not in running.stderr.read()
