"""What is refused, as the exceptions of the ``openai`` client: which, and what of the body is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import (
    APIError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from openai_face import CLINICIAN, FIRST, NO_SOURCE, Face, asked, faced

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]
FLAT_TOOL = {"type": "function", "name": "look_up", "parameters": {}}
CALLED = [{"type": "function_call", "call_id": "1", "name": "look_up", "arguments": "{}"}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}

#: Of chat completions and of responses: what is asked for, and the part that is named.
OF_CHAT = [
    ({"n": 2}, "n"), ({"tools": [TOOL]}, "tools"), ({"tool_choice": "required"}, "tool_choice"),
    ({"functions": [{"name": "x"}]}, "functions"), ({"messages": IMAGE}, "messages.0.content"),
    ({"response_format": SCHEMA}, "response_format"), ({"logprobs": True}, "logprobs"),
    ({"modalities": ["text", "audio"]}, "modalities"), ({"audio": {"voice": "x", "format": "wav"}}, "audio"),
    ({"messages": []}, "messages"), ({"messages": [{"role": "user", "content": " "}]}, "messages.0.content"),
    ({"messages": [{"role": "assistant", "content": "x"}]}, "messages.0"),
    ({"messages": [{"role": "nobody", "content": "x"}]}, "messages.0.role"), ({"model": 3}, "model"),
]  # fmt: skip
OF_RESPONSES = [
    ({"tools": [FLAT_TOOL]}, "tools"), ({"tools": [{"type": "web_search"}]}, "tools"),
    ({"background": True}, "background"), ({"include": ["file_search_call.results"]}, "include"),
    ({"prompt": {"id": "pmpt_1"}}, "prompt"), ({"text": {"format": {"type": "json_object"}}}, "text.format"),
    ({"input": []}, "input"), ({"input": ""}, "input.0.content"), ({"input": CALLED}, "input"),
    ({"input": [{"role": "assistant", "content": "x"}]}, "input.0"), ({"metadata": {"a": 1}}, "metadata.a"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input.0.content"),
    ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}]}, "input.0.content"),
]  # fmt: skip


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("errors")) as found:
        yield found


def complete(face: Face, **more: Any) -> Any:
    return face.client.chat.completions.create(**{"model": CLINICIAN, "messages": asked(FIRST)} | more)


def respond(face: Face, **more: Any) -> Any:
    return face.client.responses.create(**{"model": CLINICIAN, "input": FIRST} | more)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("more", "param"), OF_CHAT, ids=lambda value: str(value)[:40])
def test_what_a_completion_cannot_do_is_refused(face: Face, more: dict[str, Any], param: str, stream: bool) -> None:
    with pytest.raises(BadRequestError) as refused:
        complete(face, stream=stream, **more)
    error = refused.value
    assert (error.param, error.type, error.code) == (param, "invalid_request_error", "invalid_request")
    assert "expected" in error.message or "should" in error.message.casefold()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("more", "param"), OF_RESPONSES, ids=lambda value: str(value)[:40])
def test_what_a_response_cannot_do_is_refused(face: Face, more: dict[str, Any], param: str, stream: bool) -> None:
    with pytest.raises(BadRequestError) as refused:
        respond(face, stream=stream, **more)
    assert (refused.value.param, refused.value.code) == (param, "invalid_request")


@pytest.mark.parametrize("asking", [complete, respond])
def test_what_changes_nothing_is_not_refused(face: Face, asking: Any) -> None:
    asking(face, tools=[], tool_choice="auto", temperature=1, top_p=1, parallel_tool_calls=True, extra_body={"x": 1})
    respond(face, include=["reasoning.encrypted_content"], background=False, text={"format": {"type": "text"}})


@pytest.mark.parametrize("asking", [complete, respond])
def test_a_model_that_is_not_here(face: Face, asking: Any) -> None:
    with pytest.raises(NotFoundError) as missing:
        asking(face, model="gpt-5")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert CLINICIAN in missing.value.message


@pytest.mark.parametrize("asking", [complete, respond])
def test_a_question_is_in_no_error(face: Face, asking: Any) -> None:
    secret = "Mr Sample has HIT " * 400
    with pytest.raises(BadRequestError) as refused:
        asking(face, messages=asked(secret)) if asking is complete else asking(face, input=secret)
    assert "Sample" not in str(refused.value.body)


@pytest.mark.parametrize("asking", [complete, respond])
def test_a_failure_within_a_stream_is_raised(face: Face, asking: Any) -> None:
    with pytest.raises(APIError, match="no-such-source") as failed:
        list(asking(face, stream=True, extra_body=NO_SOURCE))
    assert not isinstance(failed.value, APIStatusError), "it had begun"
    assert failed.value.code == "not_found"


def test_a_failure_within_a_stream_is_raised_by_the_helpers_too(face: Face) -> None:
    completing = face.client.chat.completions.stream(model=CLINICIAN, messages=asked(FIRST), extra_body=NO_SOURCE)
    with completing as chat, pytest.raises(APIError, match="no-such-source"):
        chat.until_done()
    with (
        face.client.responses.stream(model=CLINICIAN, input=FIRST, extra_body=NO_SOURCE) as response,
        pytest.raises(APIError, match="no-such-source"),
    ):
        response.until_done()


@pytest.mark.parametrize("asking", [complete, respond])
def test_a_key_that_is_unknown_or_opens_less(face: Face, asking: Any) -> None:
    unknown = face._replace(client=face.client.with_options(api_key="osler_0_unknown"))
    with pytest.raises(AuthenticationError) as denied:
        asking(unknown)
    assert denied.value.code == "invalid_api_key"
    _, key = face.service.keeping.keys.create("searches only", ["search"])
    with pytest.raises(PermissionDeniedError) as refused:
        asking(face._replace(client=face.client.with_options(api_key=key)))
    assert refused.value.code == "insufficient_permissions"


def test_a_rate_that_is_used_up(starter_index: Path, tmp_path: Path) -> None:
    with faced(starter_index, tmp_path, rate_by_key="2/minute") as face:
        complete(face)
        respond(face)
        for asking in (complete, respond):
            with pytest.raises(RateLimitError) as often:
                asking(face)
            assert (often.value.type, often.value.code) == ("requests", "rate_limit_exceeded")
            assert int(often.value.response.headers["retry-after"]) > 0


def test_a_full_queue(starter_index: Path, tmp_path: Path) -> None:
    with faced(starter_index, tmp_path, threads=1, queue=0) as face, ThreadPoolExecutor(8) as pool:

        def asking(number: int) -> str:
            try:
                respond(face, input=f"How is argatroban dosed with a bilirubin of {number}?", stream=number % 2 == 0)
            except InternalServerError as busy:
                return f"{busy.status_code} {busy.code}, {'retry-after' in busy.response.headers}"
            return "answered"

        assert set(pool.map(asking, range(8))) == {"answered", "503 busy, True"}


def test_a_key_of_another_service_is_passed_over_where_none_is_needed(face: Face) -> None:
    with face.at(face.address, api_key="sk-of-another-service") as client:
        assert client.models.list().data


def test_other_bodies_have_the_same_form(face: Face) -> None:
    for path, body in (("chat/completions", b"{"), ("responses", b"[]"), ("embeddings", b"")):
        given = httpx2.post(f"{face.base_url}/{path}", content=body, headers=face.headers)
        assert given.status_code == 400
        assert given.json()["error"].keys() == {"message", "type", "param", "code"}
    for response_id in ("resp_a0_0", "resp_a0_0/cancel"):
        assert httpx2.get(f"{face.base_url}/responses/{response_id}", headers=face.headers).json()["error"]["code"]
