"""What goes wrong at the service, as clients of OpenAI's interface see it: in its form, and no more than they may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, APIStatusError, APITimeoutError, BadRequestError, InternalServerError
from openai_face import CLINICIAN, FIRST, NEXT, Face, asked, faced
from running import logged
from under_load import until

from rag.domain import Answer
from rag.pipeline import Pipeline, Watch


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("failures")) as found:
        yield found


def complete(face: Face, question: str = FIRST, **more: Any) -> Any:
    return face.client.chat.completions.create(**{"model": CLINICIAN, "messages": asked(question)} | more)


def respond(face: Face, question: str = FIRST, **more: Any) -> Any:
    return face.client.responses.create(**{"model": CLINICIAN, "input": question} | more)


def embed(face: Face, text: str = FIRST, **more: Any) -> Any:
    return face.client.embeddings.create(**{"model": "osler-embedding", "input": text} | more)


BOTH = pytest.mark.parametrize("asking", [complete, respond])


def instead(monkeypatch: pytest.MonkeyPatch, done: Callable[[Watch], None]) -> None:
    """Has something else done after a question is retrieved for."""
    ask = Pipeline.ask

    def other(self: Pipeline, question: str, audience: Any, within: Any, watch: Watch, **more: Any) -> Answer:
        watch("retrieve")
        done(watch)
        return ask(self, question, audience, within, watch, **more)

    monkeypatch.setattr(Pipeline, "ask", other)


def test_a_body_is_too_large(starter_index: Path, tmp_path: Path) -> None:
    with faced(starter_index, tmp_path, max_history_bytes=4096) as small:
        for asking in (complete, respond, embed):
            with pytest.raises(APIStatusError) as large:
                asking(small, "argatroban " * 500)
            assert (large.value.status_code, large.value.code) == (413, "body_too_large")
            assert large.value.type == "invalid_request_error"


@BOTH
def test_only_a_question_has_an_end_where_a_history_may_be_long(face: Face, asking: Any) -> None:
    said = [{"role": "user", "content": FIRST}, {"role": "assistant", "content": "x" * 100_000}]
    more = [{"role": "user", "content": NEXT}]
    assert asking(face, **{"messages" if asking is complete else "input": said + more})
    with pytest.raises(BadRequestError):
        asking(face, "argatroban " * 500)


@BOTH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_nobody_is_told_more_of_what_nobody_foresaw(
    face: Face, monkeypatch: pytest.MonkeyPatch, asking: Any, stream: bool
) -> None:
    def fails(_: Watch) -> None:
        raise RuntimeError("the secret of the house")

    instead(monkeypatch, fails)
    with pytest.raises(APIError) as failed:
        list(asking(face, f"How is argatroban dosed, asked by {asking.__name__} {stream}?", stream=stream))
    assert isinstance(failed.value, InternalServerError) is not stream
    assert (failed.value.code, failed.value.type) == ("internal_error", "server_error")
    assert "secret" not in str(failed.value.body)
    written = [line for line in logged(face.service) if line["event"] == "failure"][-1]
    assert "RuntimeError" in str(written)
    if isinstance(failed.value, APIStatusError):
        assert failed.value.request_id == written["request_id"]


@BOTH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_it_takes_too_long(
    starter_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asking: Any, stream: bool
) -> None:
    ended = threading.Event()
    instead(monkeypatch, lambda _: bool(ended.wait(10)) and None)
    with faced(starter_index, tmp_path, timeout_s=0.3) as slow:
        with pytest.raises(APIError) as late:
            list(asking(slow, stream=stream))
        assert late.value.code == "timed_out"
        ended.set()
        until(lambda: not slow.service.work.admitted)
        assert slow.service.keeping.answers.count() == 0


@BOTH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_nothing_is_kept_of_what_a_client_did_not_wait_for(
    face: Face, monkeypatch: pytest.MonkeyPatch, asking: Any, stream: bool
) -> None:
    before, begun, left = face.service.keeping.answers.count(), threading.Event(), threading.Event()

    def waits(_: Watch) -> None:
        begun.set()
        assert left.wait(10)

    instead(monkeypatch, waits)
    question = f"How is bivalirudin dosed, asked by {asking.__name__} {stream}?"
    with pytest.raises(APITimeoutError if not stream else Exception):
        list(asking(face, question, stream=stream, timeout=0.5))
    assert begun.is_set()
    until(lambda: not face.service.work._flights)
    left.set()
    until(lambda: not face.service.work.admitted)
    assert face.service.keeping.answers.count() == before
