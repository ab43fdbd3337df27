"""What the server offers, on a transport within the process: tools, resources, prompts, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import jsonschema_rs
import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp_clients import QUESTION, kinds_in, statements, text_of
from running import logged, open_service
from small_corpus import document, empty_index, exported_encoder

from api.http.passages import opened
from api.http.search import Results
from api.http.security import LOCAL
from api.http.service import Service
from api.mcp import resources, texts
from api.mcp.server import server_of
from api.mcp.tools import TOOLS
from rag.domain import Answer
from rag.errors import StoreUnavailableError
from rag.index.build import build
from rag.render.chat import to_chat

PASSAGE = "warkentin2019ivig-c4919d30e5"
WRONG = "IVIG is given at 10 g/kg on each of 2 days."
Asks = Callable[[Client], Coroutine[Any, Any, None]]


def with_client(service: Service, asks: Asks) -> None:
    async def run() -> None:
        async with Client(server_of(service, LOCAL)) as client:
            await asks(client)

    asyncio.run(run())


async def failure(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    return text_of(result)


def test_tools_are_described_and_give_what_their_schemas_say(kept: Service) -> None:
    async def asks(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["ask", "search", "get_passage", "verify"]
        calls: dict[str, dict[str, Any]] = {
            "ask": {"question": QUESTION, "audience": "trainee", "filter": {"jurisdictions": ["US"]}},
            "search": {"question": "bivalirudin on dialysis", "k": 3},
            "get_passage": {"passage_id": PASSAGE, "start": 3, "end": 30},
            "verify": {"statement": WRONG, "passage_ids": [PASSAGE]},
        }
        for name, arguments in calls.items():
            tool = tools[name]
            assert tool.description
            assert tool.annotations == types.ToolAnnotations(
                read_only_hint=True, destructive_hint=False, idempotent_hint=name != "ask", open_world_hint=False
            )
            jsonschema_rs.validate(tool.input_schema, arguments)
            result = await client.call_tool(name, arguments)
            assert not result.is_error, text_of(result)
            assert tool.output_schema
            jsonschema_rs.validate(tool.output_schema, result.structured_content)
            TOOLS[name].gives.model_validate(result.structured_content)

    with_client(kept, asks)


def test_an_answer_is_kept_and_shown_as_markdown_with_marks_and_references(kept: Service) -> None:
    async def asks(client: Client) -> None:
        result = await client.call_tool("ask", {"question": QUESTION})
        answer, text = Answer.model_validate(result.structured_content), text_of(result)
        assert text == to_chat(answer).text
        assert "[1]" in text.split("## References")[0]
        assert all(f"\n{reference.number}. " in text for reference in answer.references)
        assert kept.keeping.answers.get(answer.answer_id).answer() == answer
        shown = (await client.read_resource(f"osler://answers/{answer.answer_id}")).contents[0]
        as_json = (await client.read_resource(f"osler://answers/{answer.answer_id}/json")).contents[0]
        assert isinstance(shown, types.TextResourceContents)
        assert isinstance(as_json, types.TextResourceContents)
        assert (shown.mime_type, shown.text) == ("text/markdown", text)
        assert (as_json.mime_type, as_json.text) == ("application/json", answer.model_dump_json())

    with_client(kept, asks)
    assert [entry.action for entry in kept.keeping.audit.entries()] == ["answer.made", "answer.read", "answer.read"]


@pytest.mark.parametrize(
    ("question", "outcome", "said"),
    [
        ("What is the capital of France?", "abstained", "*Not answered"),
        ("I want to kill myself", "redirected", "*Redirected"),
    ],
)
def test_what_is_not_answered_says_so_and_is_no_error(kept: Service, question: str, outcome: str, said: str) -> None:
    async def asks(client: Client) -> None:
        result = await client.call_tool("ask", {"question": question})
        assert not result.is_error
        assert result.structured_content["outcome"] == outcome
        assert said in text_of(result)
        assert "**Reason:**" in text_of(result)

    with_client(kept, asks)


def test_a_question_goes_on_with_what_was_asked_before(kept: Service) -> None:
    async def asks(client: Client) -> None:
        told = await client.call_tool("ask", {"question": "And the dose?", "earlier": [QUESTION]})
        assert told.structured_content["question"] == "What is the dose of argatroban?"
        conversation_id = kept.keeping.conversations.create(None).conversation_id
        for number, question in enumerate((QUESTION, "And the dose?"), 1):
            result = await client.call_tool("ask", {"question": question, "conversation_id": conversation_id})
            assert result.structured_content["turn"]["number"] == number
        assert result.structured_content["question"] == told.structured_content["question"]
        both = {"question": "And the dose?", "earlier": [QUESTION], "conversation_id": conversation_id}
        assert "leave one out" in await failure(client, "ask", **both)

    with_client(kept, asks)


def test_identifiers_are_masked(kept: Service) -> None:
    async def asks(client: Client) -> None:
        result = await client.call_tool("ask", {"question": "How is argatroban monitored in Mr Smithson?"})
        assert "Smithson" not in str(result)
        assert result.structured_content["masked"] == ["name"]

    with_client(kept, asks)


def test_errors_of_ours_are_errors_of_the_tool_and_say_nothing_that_was_sent(kept: Service) -> None:
    async def asks(client: Client) -> None:
        assert await failure(client, "ask") == "question: Field required"
        assert await failure(client, "ask", question="\x00 hidden") == "question: empty or not well formed"
        assert await failure(client, "search", question="HIT", k=101, colour="red") == (
            "k: Input should be less than or equal to 100; colour: Extra inputs are not permitted"
        )
        assert "years" in await failure(client, "search", question="HIT", filter={"year_from": 2020, "year_to": 2000})
        assert "not in this snapshot" in await failure(client, "get_passage", passage_id="none")
        assert "expected one within the passage" in await failure(client, "get_passage", passage_id=PASSAGE, end=99_999)
        assert "expected texts or passage_ids" in await failure(client, "verify", statement="x")
        assert "not kept" in await failure(client, "ask", question="HIT?", conversation_id="c1")

    with_client(kept, asks)


def test_an_internal_error_says_nothing_of_itself(kept: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError("the secret question")

    monkeypatch.setattr(kept.maker, "make", fails)

    async def asks(client: Client) -> None:
        said = await failure(client, "ask", question=QUESTION)
        assert said == "an unexpected error; the log has it under the request's id"

    with_client(kept, asks)
    (failed,) = [line for line in logged(kept) if line["event"] == "failure"]
    (request,) = [line for line in logged(kept) if line.get("tool") == "ask"]
    assert failed["error"] == "ZeroDivisionError"
    assert failed["request_id"] == request["request_id"]
    assert "secret" not in str(logged(kept))
    assert "argatroban" not in str(logged(kept))


def test_a_database_that_does_not_answer_is_said_briefly(kept: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("postgresql at db.hospital.example: refused")

    monkeypatch.setattr(kept.keeping.answers, "add", fails)

    async def asks(client: Client) -> None:
        said = await failure(client, "ask", question=QUESTION)
        assert said == "the database cannot be used now; what it has acknowledged is kept; try again"

    with_client(kept, asks)
    (request,) = [line for line in logged(kept) if line.get("tool") == "ask"]
    assert (request["problem"], request["why"]) == ("not-ready", "postgresql at db.hospital.example: refused")


def test_each_step_is_told_to_who_asks_for_it(kept: Service) -> None:
    async def asks(client: Client) -> None:
        told = list[tuple[float, str | None]]()

        async def progress(number: float, total: float | None, message: str | None) -> None:
            assert total is None
            told.append((number, message))

        await client.call_tool("ask", {"question": QUESTION}, progress_callback=progress)
        steps = ["accepted", "start", "interpret", "embed", "retrieve", "select", "premises", "compose", "verify"]
        assert told == list(enumerate(steps, 1))

    with_client(kept, asks)


@pytest.mark.parametrize("step", ["accepted", "interpret", "premises"])
def test_a_cancelled_question_ends_at_its_next_step_and_nothing_is_kept(kept: Service, step: str) -> None:
    async def asks(client: Client) -> None:
        with anyio.CancelScope() as scope:

            async def cancel(_number: float, _total: float | None, message: str | None) -> None:
                if message == step:
                    scope.cancel()

            await client.call_tool("ask", {"question": QUESTION}, progress_callback=cancel)
        assert scope.cancelled_caught
        with anyio.fail_after(10):
            while kept.work.admitted:
                await anyio.sleep(0.01)
        assert not list(kept.keeping.audit.entries())

    with_client(kept, asks)


def test_sources_are_listed_page_by_page(kept: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "PAGE", 7)

    async def asks(client: Client) -> None:
        listed, cursor = list[types.Resource](), None
        while True:
            page = await client.list_resources(cursor=cursor)
            assert len(page.resources) <= 7
            listed += page.resources
            if (cursor := page.next_cursor) is None:
                break
        with kept.serving.pipeline() as pipeline:
            keys = [source.key for source in pipeline.snapshot.store.sources()]
        assert [resource.uri for resource in listed] == [f"osler://sources/{key}" for key in keys]
        for wrong in ("-1", "x", "1" * 20):
            with pytest.raises(MCPError, match="cursor"):
                await client.list_resources(cursor=wrong)
        found = (await client.read_resource(listed[0].uri)).contents[0]
        assert isinstance(found, types.TextResourceContents)
        passage_id = json.loads(found.text)["passage_ids"][0]
        passage = (await client.read_resource(f"osler://passages/{passage_id}")).contents[0]
        assert isinstance(passage, types.TextResourceContents)
        assert passage_id in passage.text

    with_client(kept, asks)


@pytest.mark.parametrize(
    "address",
    ["osler://answers/none", "osler://sources/../../etc/passwd", "osler://sources/%2e%2e%2fx", "osler://none/1",
     "file:///etc/passwd", "osler://passages/", "osler://answers/a/b/json"],
)  # fmt: skip
def test_a_resource_that_is_not_there_is_an_error_of_the_protocol(kept: Service, address: str) -> None:
    async def asks(client: Client) -> None:
        with pytest.raises(MCPError) as error:
            await client.read_resource(address)
        assert error.value.error.code == types.INVALID_PARAMS
        assert error.value.error.data["problem"].startswith("urn:osler:problem:")

    with_client(kept, asks)


def test_prompts_tell_a_model_to_call_the_tools_and_to_add_nothing(kept: Service) -> None:
    async def asks(client: Client) -> None:
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert list(prompts) == ["consult", "check"]
        assert all(argument.description for prompt in prompts.values() for argument in prompt.arguments or ())
        given = {"patient": "platelets 12, Child-Pugh C", "question": "IVIG?", "audience": "trainee"}
        consult = await client.get_prompt("consult", given)
        (message,) = consult.messages
        assert isinstance(message.content, types.TextContent)
        said = message.content.text
        for words in ("tool `ask`", '"trainee"', *list(given.values())[:2], "[n]", "list of references", "Add no"):
            assert words in said
        check = await client.get_prompt("check", {"statement": WRONG})
        assert "tool `search`" in str(check)
        check = await client.get_prompt("check", {"statement": WRONG, "passage_ids": f"{PASSAGE}, other"})
        assert f"{PASSAGE}, other" in str(check)
        assert "tool `search`" not in str(check)
        wrong = [("consult", {}), ("consult", {"question": " "}), ("none", {}), ("check", {"statement": "x", "y": "z"}),
                 ("consult", {"question": "x", "audience": "child"})]  # fmt: skip
        for name, arguments in wrong:
            with pytest.raises(MCPError):
                await client.get_prompt(name, arguments)

    with_client(kept, asks)


def test_a_tool_that_is_not_there_is_an_error_of_the_protocol(kept: Service) -> None:
    async def asks(client: Client) -> None:
        with pytest.raises(MCPError, match="expected one of ask, search, get_passage, verify"):
            await client.call_tool("prescribe", {})

    with_client(kept, asks)


HOSTILE = (
    "Argatroban ![x](https://evil.example/a.png) <img src=x onerror=alert(1)> [click](javascript:alert(1)) "
    "https://evil.example www.evil.example is started at 2 mcg/kg/min in heparin-induced thrombocytopenia."
)


def test_no_passage_makes_links_images_or_html(starter_index: Path, tmp_path: Path) -> None:
    index_dir = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build([document("argatroban", f"## Dosing\n\n- {HOSTILE} {{#h1}}\n")], index_dir)
    service = open_service(index_dir, tmp_path)

    async def asks(client: Client) -> None:
        found = await client.call_tool("search", {"question": "How is argatroban started?"})
        passage_id = found.structured_content["hits"][0]["passage_id"]
        opened = await client.call_tool("get_passage", {"passage_id": passage_id, "start": 11, "end": 60})
        judged = await client.call_tool("verify", {"statement": HOSTILE, "texts": [HOSTILE]})
        answer = await client.call_tool("ask", {"question": "At what dose is argatroban started in HIT?"})
        assert statements(answer.structured_content)
        for result in (found, opened, judged, answer):
            assert "evil" in text_of(result)
            assert kinds_in(text_of(result)) == set()

    with_client(service, asks)
    service.close()


def test_nothing_found_and_an_older_version_are_said(kept: Service) -> None:
    assert texts.of_results(Results(question="x", snapshot_id="s", hits=())) == texts.NOTHING_FOUND
    found = opened(kept, PASSAGE)
    source = found.source.model_copy(update={"retracted": True, "superseded_by": "newer2024"})
    shown = texts.of_passage(found.model_copy(update={"is_current": False, "source": source}))
    assert texts.OLDER in shown
    assert "**Retracted.**" in shown
    assert "newer2024" in shown
    assert "Highlighted" not in shown
