"""The model's client against a real server that does what servers do: it ends in pieces or in one error, in time."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served_model import DONE, Asked, Reply, Script, ServedModel, delta, event, events, served_model, written

from rag.errors import InputError, ModelError
from rag.settings import Settings
from rag.writing.model import Budget, LanguageModel, Message, Usage

TEXT = "Argatroban \u2265 2 µg/kg/min – 😀 naïve.\n"
MESSAGES = [Message("system", "Rules."), Message("user", "Data.")]
KEY = "sk-very-secret-0123456789"


def asked_of(served: ServedModel, seconds: float = 5, tokens: int = 500, **given: Any) -> tuple[str, str | None, Usage]:
    """What came, the error at its end, and the usage."""
    usage, came = Usage(), []
    model = LanguageModel(served.settings(**given))
    try:
        came += model.reply(MESSAGES, Budget(seconds, tokens), usage)
    except ModelError as error:
        return "".join(came), str(error), usage
    finally:
        model.close()
    return "".join(came), None, usage


def answered(script: Script, **given: Any) -> tuple[str, str | None, Usage]:
    with served_model(script) as served:
        return asked_of(served, **given)


def streamed(*pieces: bytes | float, **options: Any) -> Script:
    return lambda _: Reply(pieces, **options)


def in_turn(*replies: Reply) -> Script:
    left = iter(replies)
    return lambda _: next(left)


def failing(status: int, body: object = None, *headers: tuple[str, str]) -> Reply:
    return Reply([json.dumps(body or {"error": {"message": "no"}}).encode()], status, headers)


def eventually(holds: Callable[[], bool], seconds: float = 3.0) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def readers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "language model"]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert eventually(lambda: not readers())


def test_what_is_asked_is_what_the_settings_say() -> None:
    with served_model(lambda _: written("x")) as served:
        assert asked_of(served, llm_key=KEY, llm_temperature=0.3, tokens=77)[:2] == ("x", None)
    [asked] = served.asked
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "scripted", "messages": [m._asdict() for m in MESSAGES], "max_tokens": 77, "temperature": 0.3,
        "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
def test_characters_cut_in_two_between_chunks_are_whole(size: int) -> None:
    whole = b"".join(piece for piece in events(TEXT, size=1) if isinstance(piece, bytes))
    cut = [whole[i : i + size] for i in range(0, len(whole), size)]
    assert answered(streamed(*cut))[:2] == (TEXT, None)


def test_a_stream_of_one_byte_a_segment_is_read() -> None:
    assert answered(streamed(*events(TEXT, size=3), segment=1))[:2] == (TEXT, None)


X, END = delta(content="x"), delta("stop")


@pytest.mark.parametrize(
    ("pieces", "counted"),
    [
        pytest.param([X, END, DONE], (None, None), id="no usage"),
        pytest.param([X, END], (None, None), id="no end mark"),
        pytest.param([event({"choices": [], "usage": None}), X, END, DONE], (None, None), id="usage null"),
        pytest.param([event({"usage": {"prompt_tokens": 3, "completion_tokens": 1}}), X, END, DONE], (3, 1),
                     id="usage without choices"),
        pytest.param([event({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}],
                             "usage": {"prompt_tokens": 9, "completion_tokens": n}}) for n in (4,)] + [DONE], (9, 4),
                     id="usage beside the text"),
        pytest.param([event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": n}}) for n in (1, 2, 3)]
                     + [X, END, DONE], (9, 3), id="usage so far in every chunk"),
        pytest.param([X, END, event({"choices": [], "usage": {"prompt_tokens": "many", "completion_tokens": -4}}),
                      DONE], (None, None), id="usage that is none"),
        pytest.param([X, END, event({"choices": [], "usage": "many"}), DONE], (None, None), id="usage of words"),
        pytest.param([delta(role="assistant"), delta(role="assistant", content=""), X, END, DONE], (None, None),
                     id="roles alone"),
        pytest.param([delta(content=None), X, delta("stop", content=None), DONE], (None, None), id="no content"),
        pytest.param([delta(reasoning_content="Let me think: y"), delta(reasoning="y", content=None), X, END, DONE],
                     (None, None), id="reasoning"),
        pytest.param([delta(content=["y"]), delta(content={"text": "y"}), delta(content=7), X, END, DONE], (None, None),
                     id="content that is no text"),
        pytest.param([event({"choices": None}), event({}), event({"choices": [{}]}), X, END, DONE], (None, None),
                     id="empty chunks"),
        pytest.param([event({"choices": [{"index": 0, "delta": None, "finish_reason": None}]}), X, END, DONE],
                     (None, None), id="no delta"),
        pytest.param([event({"choices": [{"index": 1, "delta": {"content": "y"}, "finish_reason": None}]}), X, END,
                      DONE], (None, None), id="another answer"),
        pytest.param([event({"choices": [{"delta": {"content": "x"}}]}), END, DONE], (None, None), id="no index"),
        pytest.param([b": keep-alive\n\n", X, b": keep-alive\n\n", b"event: ping\ndata: {}\n\n", END, DONE],
                     (None, None), id="comments"),
        pytest.param([X, END, DONE, b"data: more\n\n"], (None, None), id="more after the end"),
        pytest.param([X, END, b"data: {broken\n\n"], (None, None), id="broken after its end"),
    ],
)  # fmt: skip
def test_what_servers_leave_out_or_add_is_borne(pieces: list[bytes | float], counted: tuple[int, int]) -> None:
    text, error, usage = answered(streamed(*pieces))
    assert (text, error) == ("x", None)
    assert (usage.calls, usage.prompt_tokens, usage.completion_tokens) == (1, *counted)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b'data: {"choices": [\n\n'], id="half an event"),
        pytest.param([b"data: null\n\n", DONE], id="null"),
        pytest.param([b'data: "x"\n\n', DONE], id="a string"),
        pytest.param([b"data: [1]\n\n", DONE], id="a list"),
        pytest.param([event({"choices": "x"}), DONE], id="choices that are none"),
        pytest.param([b"data: \xff\xfe\n\n", DONE], id="no UTF-8"),
        pytest.param([b"<html>Sign in</html>"], id="a page"),
        pytest.param([json.dumps({"choices": [{"message": {"content": "y"}}]}).encode()], id="not streamed"),
        pytest.param([], id="nothing"),
        pytest.param([DONE], id="only an end"),
    ],
)
def test_what_cannot_be_read_is_an_error(pieces: list[bytes | float]) -> None:
    text, error, _ = answered(streamed(*pieces))
    assert text == ""
    assert error is not None
    assert error.startswith("language model: its stream broke off")


@pytest.mark.parametrize("data", [b'{"error": {"message": "overloaded", "code": 500}}', b'{"error": "overloaded"}'])
def test_an_error_in_mid_stream_ends_what_came(data: bytes) -> None:
    text, error, _ = answered(streamed(X, b"data: " + data + b"\n\n"))
    assert (text, error) == ("x", "language model: its server failed in mid-stream")


@pytest.mark.parametrize("options", [{"breaks_off": True}, {"resets": True}])
def test_a_connection_that_is_lost_in_mid_stream_is_not_tried_again(options: dict[str, bool]) -> None:
    with served_model(streamed(X, **options)) as served:
        text, error, _ = asked_of(served)
    assert text in ("x", "")  # a reset may overtake what came before it
    assert error is not None
    assert len(served.asked) == 1


def test_a_stream_that_ends_before_the_model_does_is_cut() -> None:
    assert answered(streamed(X, DONE))[:2] == ("x", "language model: its stream broke off")


def test_a_reply_that_is_cut_off_at_its_longest_says_so() -> None:
    text, error, _ = answered(lambda _: written("xyz", finish="length"))
    assert (text, error) == ("xyz", "language model: what it writes was cut off at its longest")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, "it refuses the request"),
        (401, "its key is refused"),
        (403, "its key may not use it"),
        (404, "the server knows no such model or address"),
        (413, "the request is too long for it"),
        (422, "it refuses the request"),
        (418, "the server failed"),
    ],
)
def test_what_is_refused_is_not_tried_again(status: int, meaning: str) -> None:
    with served_model(lambda _: failing(status)) as served:
        assert asked_of(served)[:2] == ("", f"language model: {meaning} (HTTP {status})")
    assert len(served.asked) == 1


@pytest.mark.parametrize(
    "failed",
    [
        failing(429, None, ("Retry-After", "0")),
        failing(429, None, ("Retry-After", "0.2")),
        failing(429, None, ("Retry-After", "nan")),
        failing(503, None, ("Retry-After", "soon")),
        failing(500),
        failing(502, {}),
        Reply(status=0),
        Reply(status=0, resets=True),
    ],
    ids=lambda reply: f"{reply.status} {dict(reply.headers)} {reply.resets}",
)
def test_what_passes_is_tried_again(failed: Reply) -> None:
    with served_model(in_turn(failed, written("x"))) as served:
        text, error, usage = asked_of(served)
    assert (text, error, usage.calls, len(served.asked)) == ("x", None, 1, 2)


def test_a_date_to_try_again_is_waited_for() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)  # in whole seconds
    started = time.monotonic()
    assert answered(in_turn(failing(429, None, ("Retry-After", date)), written("x")))[:2] == ("x", None)
    assert time.monotonic() - started > 0.8


@pytest.mark.parametrize("after", ["60", "date"])
def test_one_that_asks_to_wait_longer_than_there_is_time_is_not_waited_for(after: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60.9), usegmt=True)
    started = time.monotonic()
    with served_model(lambda _: failing(429, None, ("Retry-After", date if after == "date" else after))) as served:
        error = asked_of(served)[1]
    assert time.monotonic() - started < 1
    assert error in {f"language model: it has too much to do (HTTP 429); try again in {s} s" for s in (59, 60, 61)}
    assert len(served.asked) == 1


def test_one_that_goes_on_failing_is_given_up() -> None:
    with served_model(lambda _: failing(500, None, ("Retry-After", "0"))) as served:
        assert asked_of(served)[1] == "language model: the server failed (HTTP 500)"
    assert len(served.asked) == 3


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://[::1", "nowhere", "ftp://127.0.0.1/v1"])
def test_a_server_that_is_not_there_is_an_error(url: str) -> None:
    model = LanguageModel(Settings.from_environment({}, llm_url=url, llm_model="m"))
    with pytest.raises(ModelError, match="language model: "):
        list(model.reply(MESSAGES, Budget(3, 100), Usage()))


HANGS = {
    "before the headers": Reply(silent_s=30.0),
    "after the headers": Reply([30.0]),
    "in mid-stream": Reply([X, 30.0]),
    "with comments": Reply(repeat(b": keep-alive\n\n"), wait_s=0.02),
    "with thoughts": Reply(repeat(delta(reasoning_content="hm"))),
    "with nothing": Reply(repeat(delta(content=""))),
    "with no line end": Reply(repeat(b"x" * 1000), wait_s=0.005),
    "slowly": Reply(repeat(X), wait_s=0.05),
}


@pytest.mark.parametrize("reply", HANGS.values(), ids=HANGS)
def test_its_time_is_kept_and_the_server_left(reply: Reply) -> None:
    with served_model(lambda _: reply) as served:
        started = time.monotonic()
        _, error, _ = asked_of(served, seconds=0.4)
        assert time.monotonic() - started < 1
        assert error == "language model: not done within 0.4 s"
        assert served.left.wait(3)
        assert eventually(lambda: not readers())


@pytest.mark.parametrize("reply", [HANGS["before the headers"], HANGS["in mid-stream"]], ids=["before", "within"])
def test_silence_is_borne_for_as_long_as_the_settings_say(reply: Reply) -> None:
    with served_model(lambda _: reply) as served:
        assert asked_of(served, seconds=9, llm_timeout_s=0.3)[1] == "language model: it was silent for too long"


def test_an_endless_text_ends_at_its_tokens() -> None:
    text, error, _ = answered(streamed(*[delta(content="x" * 100)] * 1000), tokens=100)
    assert error == "language model: what it writes was cut off at its longest"
    assert len(text) == 20 * 100 + 100


def test_tokens_that_the_server_does_not_count_are_estimated() -> None:
    with served_model(lambda _: written("x" * 398, usage=None)) as served, closing_model(served) as model:
        budget = Budget(5, 150)
        list(model.reply(MESSAGES, budget, Usage()))
        assert budget.tokens == 50
        list(model.reply(MESSAGES, budget, Usage()))
    assert [a.body["max_tokens"] for a in served.asked] == [150, 50]


def closing_model(served: ServedModel) -> closing[LanguageModel]:
    return closing(LanguageModel(served.settings()))


def test_who_leaves_hangs_up() -> None:
    with served_model(streamed(X, 30.0)) as served, closing_model(served) as model:
        pieces = model.reply(MESSAGES, Budget(9, 100), Usage())
        assert next(pieces) == "x"
        pieces.close()
        assert served.left.wait(3)
        assert eventually(lambda: not readers())


def test_hanging_up_does_not_disturb_another() -> None:
    def script(asked: Asked) -> Reply:
        return Reply([X, 30.0]) if "leave" in asked.text else Reply([X, 0.3, X, END, DONE])

    with served_model(script) as served, closing_model(served) as model:
        left = model.reply([Message("user", "leave")], Budget(9, 100), Usage())
        stays = model.reply(MESSAGES, Budget(9, 100), Usage())
        assert next(left) == next(stays) == "x"
        left.close()
        assert list(stays) == ["x"]


REFUSALS = {
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model.",
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model.",
    "stream_options": "Unrecognized request argument supplied: stream_options",
}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("has_param", [True, False])
@pytest.mark.parametrize("refused", [["max_tokens"], ["temperature"], list(REFUSALS)], ids="-".join)
def test_a_parameter_that_is_refused_is_left_out_from_then_on(refused: list[str], has_param: bool, status: int) -> None:
    def script(asked: Asked) -> Reply:
        name = next((n for n in refused if n in asked.body), None)
        said = {"message": REFUSALS[name or "temperature"], "param": name if has_param else None}
        return failing(status, {"error": said}) if name else written("x", usage=None)

    with served_model(script) as served, closing_model(served) as model:
        for _ in range(2):
            assert list(model.reply(MESSAGES, Budget(5, 100), Usage())) == ["x"]
    assert len(served.asked) == len(refused) + 2
    last = served.asked[-1].body
    assert not set(refused) & last.keys()
    assert last.get("max_completion_tokens") == (100 if "max_tokens" in refused else None)


def test_one_that_refuses_whatever_is_sent_is_not_asked_for_ever() -> None:
    message = {"error": {"message": "max_tokens, temperature and stream_options are wrong"}}
    with served_model(lambda _: failing(400, message)) as served:
        assert asked_of(served)[1] == "language model: it refuses the request (HTTP 400)"
    assert len(served.asked) == 4


@pytest.mark.parametrize(
    "reply",
    [
        failing(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        failing(500, {"error": {"message": f"Bearer {KEY}"}}, ("Retry-After", "0")),
        Reply([f'data: {{"error": {{"message": "{KEY}"}}}}\n\n'.encode()]),
        Reply([f"data: {KEY}\n\n".encode()]),
        Reply(status=0),
    ],
    ids=["401", "500", "in mid-stream", "unreadable", "lost"],
)
def test_the_key_is_in_no_error_log_or_repr(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with served_model(lambda _: reply) as served:
        settings = served.settings(llm_key=KEY)
        model = LanguageModel(settings)
        with closing(model), pytest.raises(ModelError) as caught:
            list(model.reply(MESSAGES, Budget(5, 100), Usage()))
        logging.getLogger("osler.test").error("failed", exc_info=caught.value)
    shown = [str(caught.getrepr(chain=True, showlocals=False)), caplog.text, repr(model), repr(settings)]
    shown += [settings.model_dump_json(), *(repr(vars(t)) for t in readers()), repr(caught.value.__cause__)]
    assert served.asked[0].headers["authorization"].endswith(KEY)
    assert not [text for text in shown if KEY in text]


def test_a_key_from_a_file_has_no_line_end() -> None:
    with served_model(lambda _: written("x")) as served:
        assert asked_of(served, llm_key=f"{KEY}\n")[:2] == ("x", None)
    assert served.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [f"{KEY}\nX-Other: 1", f"{KEY} é中", f"{KEY}\x00"])
def test_a_key_that_fits_in_no_header_is_refused_without_it(key: str) -> None:
    with pytest.raises(InputError) as caught:
        LanguageModel(Settings.from_environment({}, llm_url="http://127.0.0.1:9/v1", llm_model="m", llm_key=key))
    assert KEY not in str(caught.getrepr(chain=True))


_EVENTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([X, END, DONE, b"data: ", b"\n\n", b": comment\n\n", b"event: error\n", b"\r\n", b"data: {}\n\n"]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(st.sampled_from(["choices", "delta", "content", "usage", "error"]), inner, max_size=3),
        ),
        max_leaves=6,
    ).map(lambda record: f"data: {json.dumps(record)}\n\n".encode()),
)  # fmt: skip


def test_whatever_bytes_come_it_ends_in_text_or_in_one_error() -> None:
    streams: list[list[bytes]] = []
    with served_model(lambda _: Reply(streams[-1])) as served, closing_model(served) as model:

        @settings(max_examples=40)
        @given(st.lists(_EVENTS.filter(bool), max_size=5))
        def ends(pieces: list[bytes]) -> None:
            streams.append(pieces)
            usage, budget = Usage(), Budget(5, 100)
            with suppress(ModelError):
                assert all(isinstance(text, str) for text in model.reply(MESSAGES, budget, usage))
            assert budget.tokens <= 100

        ends()
