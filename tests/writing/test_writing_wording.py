"""Articles in a model's words, whatever becomes of its server: an answer comes, in time, and says what happened."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import repeat

import pytest
from served_model import Asked, Reply, Script, ServedModel, delta, events, line, served_model, written
from worded_answers import (
    ANTIDOTE,
    EDOXABAN,
    FRENCH,
    QUESTION,
    REVERSAL,
    TRUE,
    check,
    extractive,
    place,
    rendered,
    stubborn,
    true_lines,
    worded,
    worder,
)

from rag.answer.doses import has_dose
from rag.domain import Answer, Audience
from rag.errors import AbandonedError
from rag.language.quantities import quantities
from rag.pipeline import Pipeline
from rag.writing.model import LanguageModel
from rag.writing.wording import Told

KEY = "sk-very-secret-0123456789"
PLATELETS = "Should platelets be transfused in heparin-induced thrombocytopenia?"


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    end = time.monotonic() + 3
    while any(t.name == "language model" for t in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


@contextmanager
def worded_pipeline(pipeline: Pipeline, served: ServedModel, **given: object) -> Iterator[Pipeline]:
    """A pipeline on the same snapshot whose answers the served model words."""
    opened = Pipeline(served.settings(**given), pipeline.snapshot)
    assert opened.model
    with closing(opened.model):
        yield opened


def failing(status: int, *headers: tuple[str, str], said: str = "no") -> Reply:
    return Reply([json.dumps({"error": {"message": said}}).encode()], status, headers)


NO_FORM = "it wrote nothing in the form that it was asked for"
UNUSED = {
    "key refused": (failing(401, said=f"Incorrect key {KEY}"), "its key is refused (HTTP 401)"),
    "too much to do": (failing(429, ("Retry-After", "60")), "it has too much to do (HTTP 429); try again in 60 s"),
    "failing": (failing(500, ("Retry-After", "0")), "the server failed (HTTP 500)"),
    "unavailable": (failing(503, ("Retry-After", "0")), "the server failed (HTTP 503)"),
    "lost": (Reply(status=0, resets=True), "its server cannot be reached"),
    "silent": (Reply(silent_s=30.0), "not done within 1.5 s"),
    "thinking": (Reply(repeat(delta(reasoning_content="hm")), wait_s=0.01), "not done within 1.5 s"),
    "nothing": (written(""), NO_FORM),
    "prose": (written("Argatroban is started at 2 mcg/kg/min [1]."), NO_FORM),
    "refusal": (written("I'm sorry, I can't give medical advice."), NO_FORM),
    "German": (written("Tut mir leid, das kann ich nicht."), NO_FORM),
    "half an object": (written('{"section": 1, "evidence": [1], "text": "Argat'), NO_FORM),
    "broken off": (Reply(events('{"section": 1, "ev', finish=None)[:-1], breaks_off=True), "its stream broke off"),
    "other objects": (written('{"answer": "2 mg"}', '{"text": "2 mg"}'), NO_FORM),
    "half a character": (written('{"section": 1, "evidence": [1], "text": "\\ud83d"}'), NO_FORM),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "reason"), UNUSED.values(), ids=UNUSED)
def test_when_it_cannot_be_used_the_article_stands_and_says_why(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, reply: Reply, reason: str
) -> None:
    caplog.set_level(logging.DEBUG)
    before, started = extractive(pipeline), time.monotonic()
    found = worded(pipeline, lambda _: reply, before, llm_key=KEY, llm_budget_s=1.5)
    assert time.monotonic() - started < 1.5 + 1
    assert found.wording.reason == reason
    assert (found.wording.written, found.told, found.generated) == (0, [], [])
    same = {"answer_id", "receipt"}
    assert found.answer.model_dump(exclude=same) == before.model_dump(exclude=same)
    shown = [found.answer.model_dump_json(), *rendered(found.answer), repr(found.answer), caplog.text]
    assert not [text for text in shown if KEY in text]
    assert found.served.asked[0].headers["authorization"] == f"Bearer {KEY}"


def opening(asked: Asked) -> list[bytes | float]:
    return events("".join(true_lines(asked, FRENCH, REVERSAL)), finish=None, usage=None)[:-1]


CUT: dict[str, tuple[Script, str]] = {
    "broken off": (lambda asked: Reply(opening(asked), breaks_off=True), "its stream broke off"),
    "ended too soon": (lambda asked: Reply([*opening(asked), b"data: [DONE]\n\n"]), "its stream broke off"),
    "silent": (lambda asked: Reply([*opening(asked), 30.0]), "it was silent for too long"),
    "slow": (lambda asked: Reply([*opening(asked), *[b": ping\n\n", 0.2] * 99]), "not done within 1.5 s"),
    "failed": (lambda asked: Reply([*opening(asked), b'data: {"error": {"message": "x"}}\n\n']),
               "its server failed in mid-stream"),
    "cut off": (lambda asked: Reply([*opening(asked), delta("length")]), "what it writes was cut off at its longest"),
    "endless": (lambda asked: Reply([*opening(asked), *[delta(content="x" * 100)] * 999]),
                "what it writes was cut off at its longest"),
}  # fmt: skip


@pytest.mark.parametrize(("script", "reason"), CUT.values(), ids=CUT)
def test_what_was_verified_before_the_end_is_kept(pipeline: Pipeline, script: Script, reason: str) -> None:
    started = time.monotonic()
    found = worded(pipeline, script, llm_budget_s=1.5, llm_timeout_s=0.8)
    assert time.monotonic() - started < 1.5 + 1
    assert found.wording.reason == reason
    assert set(found.generated) == {TRUE[FRENCH], TRUE[REVERSAL]} == {t.statement.text for t in found.told}


@pytest.mark.parametrize("options", [{"size": 1}, {"size": 100_000}])
@pytest.mark.parametrize("segment", [0, 1])
def test_a_byte_at_a_time_the_same_is_said(pipeline: Pipeline, options: dict[str, int], segment: int) -> None:
    text = TRUE[EDOXABAN].removesuffix(".") + " (Child‑Pugh B or C)."

    def script(asked: Asked) -> Reply:
        p = place(asked, EDOXABAN)
        return Reply(events(line(p.section, [p.number], text), **options), segment=segment)

    assert worded(pipeline, script).generated == [text]


@pytest.mark.parametrize("is_escaped", [True, False])
def test_emoji_in_two_halves_are_refused_like_others(pipeline: Pipeline, is_escaped: bool) -> None:
    def lines(asked: Asked) -> list[str]:
        record = {"section": 1, "evidence": [place(asked, ANTIDOTE).number], "text": "No antidote 😀."}
        return [json.dumps(record, ensure_ascii=is_escaped), *true_lines(asked)]

    found = worded(pipeline, stubborn(lines))
    assert len(found.generated) == 3
    assert found.wording.refused == 1


def test_each_statement_is_told_before_the_next_is_written(pipeline: Pipeline) -> None:
    class EnoughError(Exception):
        pass

    def tell(told: Told | str) -> None:
        if isinstance(told, Told):
            heard.append(told)
            raise EnoughError

    heard: list[Told] = []
    with served_model(lambda asked: Reply([*opening(asked), 30.0])) as served:
        with worded_pipeline(pipeline, served) as asking, pytest.raises(EnoughError):
            asking.ask(QUESTION, watch=tell)
        assert served.left.wait(3)
    [told] = heard
    assert told.statement.text == TRUE[FRENCH]
    assert told.heading == extractive(pipeline).sections[told.section - 1].heading


def test_who_gives_up_waiting_leaves_the_server(pipeline: Pipeline) -> None:
    def tell(told: Told | str) -> None:
        if isinstance(told, Told):
            raise AbandonedError("gone")

    def script(asked: Asked) -> Reply:
        return written(*true_lines(asked), *["x" * 500] * 99, size=50)

    with served_model(script) as served, worded_pipeline(pipeline, served) as asking:
        for _ in range(3):
            with pytest.raises(AbandonedError):
                asking.ask(QUESTION, watch=tell)
    assert len(served.asked) == 3


def test_questions_at_the_same_time_do_not_mix(pipeline: Pipeline) -> None:
    def script(asked: Asked) -> Reply:
        is_one = QUESTION in asked.text
        lines = true_lines(asked, FRENCH) if is_one else [platelets(asked)]
        return Reply(events("".join(lines), size=3), wait_s=0.002)

    with served_model(script) as served, closing(LanguageModel(served.settings())) as model:
        shared = worder(pipeline, model)
        before = [extractive(pipeline), extractive(pipeline, PLATELETS)] * 3
        with ThreadPoolExecutor(6) as pool:
            after = list(pool.map(shared.worded, before))
    for one, other in zip(before, after, strict=True):
        check(pipeline, one, other, [])
        generated = [s.text for s in other.statements() if s.origin == "generated"]
        assert generated == [TRUE[FRENCH] if one.question == QUESTION else PLATELETS_TRUE]


PLATELETS_TRUE = "ASH 2018 suggests against routine platelet transfusion in acute HIT at average bleeding risk."


def platelets(asked: Asked) -> str:
    p = place(asked, "against routine platelet transfusion")
    return line(p.section, [p.number], PLATELETS_TRUE)


def test_time_and_tokens_are_those_of_both_calls(pipeline: Pipeline) -> None:
    def script(asked: Asked) -> Reply:
        wrong = line(1, [place(asked, FRENCH).number], "Argatroban is fine in severe hepatic impairment.")
        return written(*true_lines(asked), wrong, usage=(1000, 100))

    found = worded(pipeline, script, llm_max_tokens=150)
    assert [a.body["max_tokens"] for a in found.served.asked] == [150, 50]
    assert (found.wording.calls, found.wording.prompt_tokens, found.wording.completion_tokens) == (2, 2000, 200)


def test_without_tokens_or_time_there_is_no_second_attempt(pipeline: Pipeline) -> None:
    def script(asked: Asked) -> Reply:
        wrong = line(1, [place(asked, FRENCH).number], "Argatroban is fine in severe hepatic impairment.")
        return written(*true_lines(asked), wrong, usage=(1000, 150))

    assert worded(pipeline, script, llm_max_tokens=150).wording.calls == 1
    assert worded(pipeline, script, llm_budget_s=1.0).wording.calls == 1


def test_the_id_tells_other_words_apart(pipeline: Pipeline) -> None:
    before = extractive(pipeline)
    keys = [(FRENCH,), (REVERSAL,), (FRENCH, REVERSAL), (FRENCH,)]
    found = [
        worded(pipeline, stubborn(lambda asked, k=k: true_lines(asked, *k)), before).answer.answer_id for k in keys
    ]
    assert found[0] == found[3]
    assert len({before.answer_id, *found}) == 4


def test_a_trainee_is_worded_to_as_a_clinician_with_a_glossary(pipeline: Pipeline) -> None:
    before = extractive(pipeline, audience=Audience.TRAINEE)
    found = worded(pipeline, stubborn(true_lines), before)
    assert set(found.generated) == set(TRUE.values())
    assert found.answer.glossary == before.glossary != ()
    assert found.answer.reading_grade is not None
    assert '"audience":"trainee"' in found.served.asked[0].text


def has_doses(answer: Answer) -> list[str]:
    return [s.text for s in answer.statements() if has_dose(s.text, quantities(s.text))]


def test_patients_read_no_dose_whatever_is_written(pipeline: Pipeline) -> None:
    before = extractive(pipeline, PLATELETS, Audience.PATIENT)
    assert has_doses(before) == []

    def lines(asked: Asked) -> list[str]:
        numbers = [e["evidence"] for e in asked.evidence][:3]
        doses = ["Argatroban is started at 2 mcg/kg/min.", "Take two tablets daily.", "ASH 2018 suggests 1 g of IVIG."]
        return [platelets(asked), *(line(1, [n], dose) for n, dose in zip(numbers, doses, strict=True))]

    found = worded(pipeline, stubborn(lines), before)
    assert found.generated == [PLATELETS_TRUE]
    assert found.wording.refused == 3
    assert has_doses(found.answer) == []
    assert found.answer.reading_grade is not None


def test_a_patient_is_not_given_the_dose_of_a_quote_that_is_shown_shortened(pipeline: Pipeline) -> None:
    before = extractive(pipeline, PLATELETS, Audience.PATIENT)
    with_doses = next(s for s in extractive(pipeline).statements() if has_dose(s.text, quantities(s.text)))
    shortened = with_doses.model_copy(update={"text": "Argatroban in HIT with hepatic impairment.", "citations": (1,),
                                              "role": before.bottom_line[0].role})  # fmt: skip
    before = before.model_copy(update={"bottom_line": (shortened,)})
    quote = with_doses.evidence[0].quote
    told: list[Told] = []
    script = stubborn(lambda _: [line(0, [1], quote), line(0, [1], f"{quote} Yes.")])
    with served_model(script) as served, closing(LanguageModel(served.settings())) as model:
        answer = worder(pipeline, model).worded(before, told.append)
    assert (told, has_doses(answer)) == ([], [])
    assert answer.receipt.wording
    assert answer.receipt.wording.refused == 2


def test_the_pipeline_asks_no_model_where_there_is_no_article(pipeline: Pipeline) -> None:
    with served_model(lambda _: written("")) as served, worded_pipeline(pipeline, served) as asking:
        for question in ("Which sunscreen suits a toddler?", "I want to kill myself"):
            answer = asking.ask(question)
            assert answer.receipt.wording is None
        assert asking.ask(QUESTION, is_worded=False).receipt.wording is None
    assert served.asked == []


def test_the_pipeline_tells_of_its_steps_and_times_them(pipeline: Pipeline) -> None:
    heard: list[str | Told] = []
    with served_model(stubborn(true_lines)) as served, worded_pipeline(pipeline, served) as asking:
        answer = asking.ask(QUESTION, watch=heard.append)
        assert asking.is_as_receipted(answer.receipt)
    assert not pipeline.is_as_receipted(answer.receipt)
    write = heard.index("write")
    assert [isinstance(h, Told) for h in heard[write + 1 :]] == [True] * 3
    assert answer.receipt.timings_ms["write"] <= answer.receipt.timings_ms["total"]
    check(pipeline, extractive(pipeline).model_copy(update={"answer_id": ""}), answer, [])
