"""``/mcp`` of a real server: the same answers, behind the same keys, limits and log lines as all else."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jsonschema_rs
import pytest
from mcp import Client
from mcp_clients import MODES, QUESTION, ROOT, client_at, statements, text_of
from running import client_of, logged, open_service
from under_load import QUESTIONS, served

from api.http.middleware import SAFE_HEADERS
from api.http.service import Service
from api.keeping.keeping import Keeping
from api.keeping.keys import Scope
from api.mcp.resources import PAGE

#: What a client sends first, before the version of 2026-07-28.
BEGIN = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip
#: Questions that others ask meanwhile, which takes about a second.
OTHERS = 12
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mcp") / "osler.sqlite"


@pytest.fixture(scope="module")
def address(starter_index: Path, database: Path) -> Iterator[str]:
    """One question is answered after another. When all is done the log has told of no failure and no question."""
    log = list[str]()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OSLER_THREADS", "1")
        with served(starter_index, database, log=log) as (address, _):
            yield address
    assert not [line for line in log if '"failure"' in line or "argatroban" in line]


@asynccontextmanager
async def occupied(address: str) -> AsyncIterator[None]:
    """Has the service work on others' questions meanwhile; all of them are answered when the block has ended."""
    async with httpx2.AsyncClient(timeout=60) as http:
        questions = [f"{question} (before, {secrets.token_hex(4)})" for question in QUESTIONS[:OTHERS]]
        asked = [http.post(f"{address}/v1/answers", json={"question": question}) for question in questions]
        working = asyncio.gather(*asked)
        await anyio.sleep(0.2)
        yield
        assert all(given.is_success for given in await working)


def kept_answers(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])


def call(tool: str, number: int = 2, **arguments: Any) -> dict[str, Any]:
    """A call of a tool as it is sent."""
    params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": "p"}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


@pytest.mark.parametrize("mode", MODES)
def test_what_clients_of_both_kinds_do(address: str, mode: str) -> None:
    async def asks() -> None:
        async with client_at(address, mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert list(tools) == ["ask", "search", "get_passage", "verify"]
            told = list[str | None]()

            async def progress(_number: float, _total: float | None, message: str | None) -> None:
                told.append(message)

            question = f"{QUESTION} ({mode})"
            result = await client.call_tool("ask", {"question": question}, progress_callback=progress)
            assert told[:2] == ["accepted", "start"]
            assert "retrieve" in told
            jsonschema_rs.validate(tools["ask"].output_schema or {}, result.structured_content)
            answer_id = result.structured_content["answer_id"]
            shown = httpx2.get(f"{address}/v1/answers/{answer_id}").json()
            assert shown == result.structured_content
            (content,) = (await client.read_resource(f"osler://answers/{answer_id}")).contents
            assert content.model_dump()["text"] == text_of(result)
            assert (await client.list_resources()).resources
            assert len((await client.list_prompts()).prompts) == 2

    asyncio.run(asks())


@pytest.mark.parametrize("question", [QUESTIONS[0], "Should IVIG be given in HIT?", "What is the capital of France?"])
def test_statements_are_the_same_as_over_http(address: str, question: str) -> None:
    plain = httpx2.post(f"{address}/v1/answers", json={"question": question}).json()

    async def asks() -> Any:
        async with client_at(address) as client:
            return (await client.call_tool("ask", {"question": question})).structured_content

    answer = asyncio.run(asks())
    assert statements(answer) == statements(plain)
    varying = {"answer_id", "receipt", "review"}
    assert {k: v for k, v in answer.items() if k not in varying} == {k: v for k, v in plain.items() if k not in varying}


@pytest.mark.parametrize("mode", MODES)
def test_a_cancelled_question_ends_and_nothing_is_kept(address: str, database: Path, mode: str) -> None:
    before = kept_answers(database)

    async def asks() -> None:
        async with occupied(address), client_at(address, mode) as client:
            with anyio.move_on_after(20) as scope:

                async def cancel(_number: float, _total: float | None, message: str | None) -> None:
                    scope.cancel()

                await client.call_tool("ask", {"question": f"{QUESTION} (not {mode})"}, progress_callback=cancel)
            assert scope.cancelled_caught
            await client.call_tool("search", {"question": "The next is answered as any other."})

    asyncio.run(asks())
    assert kept_answers(database) == before + OTHERS


def test_a_client_of_before_that_leaves_ends_its_question(address: str, database: Path) -> None:
    before = kept_answers(database)
    body = call("ask", question=f"{QUESTION} (left)")
    headers = ACCEPT | {"MCP-Protocol-Version": "2025-06-18"}

    async def leaves() -> None:
        async with occupied(address), httpx2.AsyncClient(headers=headers, timeout=60) as http:
            request = http.build_request("POST", f"{address}/mcp", json=body)
            response = await http.send(request, stream=True)
            told = response.aiter_lines()
            while "notifications/progress" not in await anext(told):
                pass
            await response.aclose()

    asyncio.run(leaves())
    assert kept_answers(database) == before + OTHERS


def test_nobody_cancels_what_another_has_asked(address: str) -> None:
    """Requests have the same numbers with every client: the name that each is given tells them apart."""
    names = {httpx2.post(f"{address}/mcp", json=BEGIN, headers=ACCEPT).headers["mcp-session-id"] for _ in range(2)}
    assert len(names) == 2
    mine, others = names
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
    version = ACCEPT | {"MCP-Protocol-Version": "2025-06-18"}
    body = call("ask", question="Should IVIG be given in HIT with cirrhosis? (mine)")
    with httpx2.stream("POST", f"{address}/mcp", json=body, headers=version | {"Mcp-Session-Id": mine}) as response:
        for name in (others, "", "nonsense"):
            assert httpx2.post(f"{address}/mcp", json=cancel, headers=version | {"Mcp-Session-Id": name}).is_success
        assert httpx2.post(f"{address}/mcp", json=cancel, headers=version).is_success
        assert "structuredContent" in response.read().decode()


def secret(service: Service, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.keeping.keys.create('ward', scopes)[1]}"}


def test_what_comes_before_the_protocol_is_a_problem(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always", rate_by_key="2/minute")
    with client_of(service) as client:
        refused = client.post("/mcp", json=BEGIN, headers=ACCEPT)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:osler:problem:key-needed")
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="osler"'
        for method in ("GET", "DELETE"):
            refused = client.request(method, "/mcp", headers=ACCEPT)
            assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
        refused = client.post("/mcp", content=b"x" * 70_000)
        assert refused.json()["type"] == "urn:osler:problem:body-too-large"
        key = secret(service, Scope.ASK)
        for _ in range(2):
            begun = client.post("/mcp", json=BEGIN, headers=ACCEPT | key)
            assert begun.status_code == 200
            assert all(begun.headers[name] for name in SAFE_HEADERS)
        refused = client.post("/mcp", json=BEGIN, headers=ACCEPT | key)
        assert refused.json()["type"] == "urn:osler:problem:rate-limited"
        assert "/mcp" not in client.get("/openapi.json").json()["paths"]
    lines = [line for line in logged(service) if line.get("mcp") == "initialize"]
    assert [(line["route"], line["status"]) for line in lines] == [("/mcp", 200)] * 2
    assert all(line["key"] for line in lines)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "attacker.example"}, 401), ({"Origin": "https://page.example"}, 401), ({"X-Forwarded-For": "::1"}, 401),
     ({}, 200)],
)  # fmt: skip
def test_pages_and_proxies_need_a_key_here_too(address: str, headers: dict[str, str], status: int) -> None:
    assert httpx2.post(f"{address}/mcp", json=BEGIN, headers=ACCEPT | headers).status_code == status


def test_a_key_opens_what_its_scopes_say(starter_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_KEYS", "always")
    database, log = tmp_path / "osler.sqlite", list[str]()
    with Keeping.open(str(database)) as keeping:
        ask, search = (keeping.keys.create("ward", [scope])[1] for scope in (Scope.ASK, Scope.SEARCH))

    async def asks(address: str) -> None:
        async with client_at(address, Authorization=f"Bearer {ask}") as client:
            assert await names(client) == (["ask"], 2, 0)
            answer = (await client.call_tool("ask", {"question": QUESTION})).structured_content
            refused = await client.call_tool("search", {"question": "HIT"})
            assert refused.is_error
            assert text_of(refused) == "the key lacks the scope search; expected one that has it"
        async with client_at(address, Authorization=f"Bearer {search}") as client:
            assert await names(client) == (["search", "get_passage", "verify"], 2, PAGE)
            assert not (await client.call_tool("search", {"question": "HIT"})).is_error
            refused = await client.call_tool("ask", {"question": QUESTION})
            assert text_of(refused) == "the key lacks the scope ask; expected one that has it"
            with pytest.raises(Exception, match="lacks the scope ask"):
                await client.read_resource(f"osler://answers/{answer['answer_id']}")

    with served(starter_index, database, log=log) as (address, _):
        asyncio.run(asks(address))
    assert not [line for line in log if "argatroban" in line or "HIT" in line]
    assert [line for line in log if '"tool": "ask"' in line and '"problem": "scope-needed"' in line]


async def names(client: Client) -> tuple[list[str], int, int]:
    """Tools, and how many templates and resources."""
    tools = [tool.name for tool in (await client.list_tools()).tools]
    templates = (await client.list_resource_templates()).resource_templates
    return tools, len(templates), len((await client.list_resources()).resources)


def test_it_stops_at_once_while_a_client_is_there(starter_index: Path, tmp_path: Path) -> None:
    log = list[str]()

    async def asks(address: str, process: subprocess.Popen[str]) -> None:
        async with client_at(address, "legacy") as client:
            await client.call_tool("search", {"question": "HIT"})
            process.terminate()
            with anyio.fail_after(10):
                while process.poll() is None:
                    await anyio.sleep(0.02)

    with served(starter_index, tmp_path / "osler.sqlite", log=log) as (address, process):
        asyncio.run(asks(address, process))
        assert process.returncode in (0, -15)
    assert [line for line in log if '"stopped"' in line]


@pytest.mark.slow
def test_any_worker_takes_any_request(starter_index: Path, tmp_path: Path) -> None:
    with served(starter_index, tmp_path / "osler.sqlite", "--workers", "2") as (address, _):

        async def asks(mode: str) -> None:
            async with client_at(address, mode) as client:
                for number in range(8):
                    result = await client.call_tool("ask", {"question": f"{QUESTION} (case {number}, {mode})"})
                    assert not result.is_error
                    await client.read_resource(f"osler://answers/{result.structured_content['answer_id']}")

        for mode in MODES:
            asyncio.run(asks(mode))


def test_the_service_starts_without_the_package(starter_index: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['mcp'] = None\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1] / 'http')!r})\n"
        "from running import client_of, open_service\n"
        f"with client_of(open_service(Path({str(starter_index)!r}), Path({str(tmp_path)!r}))) as client:\n"
        "    print(client.get('/readyz').status_code, client.post('/mcp', json={}).status_code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["200", "404"], done.stderr
