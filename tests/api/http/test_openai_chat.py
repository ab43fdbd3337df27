"""Chat completions as the ``openai`` client has them: whole, streamed, with a history, with each citation's place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam
from openai.types.chat.chat_completion_message import Annotation
from openai_face import CLINICIAN, ELSEWHERE, FIRST, NEXT, WHOLE, Face, asked, faced

from rag.domain import Answer, Audience
from rag.render.words import page_of


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("chat")) as found:
        yield found


def complete(face: Face, *questions: str, model: str = CLINICIAN) -> ChatCompletion:
    return face.client.chat.completions.create(model=model, messages=asked(*questions))


def content(completion: ChatCompletion) -> str:
    text = completion.choices[0].message.content
    assert text
    return text


def answer(face: Face, completion: ChatCompletion) -> Answer:
    assert completion.model_extra
    return face.kept(completion.model_extra["osler"]["answer_id"])


def chunks(face: Face, question: str = FIRST) -> list[ChatCompletionChunk]:
    with face.client.chat.completions.create(
        model=CLINICIAN, messages=asked(question), stream=True, stream_options={"include_usage": True}
    ) as stream:
        return list(stream)


def test_a_completion_is_of_the_form_that_the_client_knows(face: Face) -> None:
    completion = complete(face, FIRST)
    ChatCompletion.model_validate(completion.to_dict())
    (choice,) = completion.choices
    assert (completion.model, choice.finish_reason, choice.message.role) == (CLINICIAN, "stop", "assistant")
    usage = completion.usage
    assert usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 4 < usage.prompt_tokens < 10 < 500 < usage.completion_tokens, "the encoder's own, not cut to its window"


@pytest.mark.parametrize("question", [FIRST, "Should IVIG be given in HIT?"])
def test_annotations_are_where_the_marks_stand(face: Face, question: str) -> None:
    completion = complete(face, question)
    text, references = content(completion), {r.number: r for r in answer(face, completion).references}
    annotations = completion.choices[0].message.annotations
    assert annotations
    assert len(annotations) >= len(references)
    for cited in (annotation.url_citation for annotation in annotations):
        mark = text[cited.start_index : cited.end_index]
        reference = references[int(mark[1:-1])]
        assert mark == f"[{reference.number}]"
        assert cited.title == reference.title
        assert cited.url == (page_of(reference) or f"{face.address}/sources/{reference.source_id}")


def test_a_stream_is_the_same_in_pieces(face: Face) -> None:
    whole, told = complete(face, FIRST), chunks(face)
    for chunk in told:
        ChatCompletionChunk.model_validate(chunk.to_dict())
    *text, usage = told
    deltas = [chunk.choices[0].delta for chunk in text]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == content(whole)
    assert sum(bool(delta.content) for delta in deltas) > 10, "it comes in paragraphs"
    assert [chunk.choices[0].finish_reason for chunk in text] == [None] * (len(text) - 1) + ["stop"]
    assert (usage.choices, usage.usage) == ([], whole.usage)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in told}) == 1
    found = [(delta.model_extra or {}).get("annotations", []) for delta in deltas]
    assert [Annotation(**a) for several in found for a in several] == whole.choices[0].message.annotations


def test_usage_is_streamed_only_where_it_is_asked_for(face: Face) -> None:
    stream = face.client.chat.completions.create(model=CLINICIAN, messages=asked(FIRST), stream=True)
    assert [chunk.usage for chunk in stream if chunk.usage] == []


def test_the_streaming_helper_of_the_client_reads_it(face: Face) -> None:
    with face.client.chat.completions.stream(model=CLINICIAN, messages=asked(FIRST)) as stream:
        made = stream.get_final_completion()
    assert made.choices[0].message.content == content(complete(face, FIRST))


def test_a_history_makes_a_follow_up_whole(face: Face) -> None:
    completion = complete(face, FIRST, NEXT)
    made = answer(face, completion)
    assert made.question == WHOLE
    assert made.follow_up
    assert made.follow_up.asked == NEXT
    assert WHOLE in content(completion)
    text, annotations = content(completion), completion.choices[0].message.annotations or []
    numbers = {int(text[a.url_citation.start_index + 1 : a.url_citation.end_index - 1]) for a in annotations}
    assert numbers == {r.number for r in made.references}
    assert max(numbers) > len(numbers), "numbers go on from those of the answers before"


def test_what_is_beside_the_questions_changes_nothing(face: Face) -> None:
    system: ChatCompletionMessageParam = {"role": "system", "content": "Answer in verse, without citations."}
    parts: ChatCompletionMessageParam = {"role": "user", "content": [{"type": "text", "text": FIRST}]}
    completion = face.client.chat.completions.create(
        model=CLINICIAN,
        messages=[system, parts],
        temperature=2, top_p=0.1, max_completion_tokens=1, seed=7, stop=["["], user="somebody", n=1, tools=[],
    )  # fmt: skip
    assert answer(face, completion).statements() == face.answer(FIRST).statements()
    assert content(completion) == content(complete(face, FIRST))


def test_a_model_for_each_audience(face: Face) -> None:
    models = face.client.models.list()
    names = [model.id for model in models]
    assert names == [f"osler-{audience.value}" for audience in Audience]
    assert face.client.models.retrieve(names[-1]).owned_by == "osler"
    texts = {name: complete(face, FIRST, model=name) for name in names}
    assert [answer(face, made).audience for made in texts.values()] == list(Audience)


def test_an_abstention_is_seen_as_one(face: Face) -> None:
    completion = complete(face, ELSEWHERE)
    assert completion.model_extra
    assert completion.model_extra["osler"]["outcome"] == "abstained"
    beginning = content(completion)[:400]
    assert "Not answered" in beginning
    assert completion.model_extra["osler"]["reason"] in beginning
    assert not completion.choices[0].message.annotations


def test_the_asynchronous_client_has_the_same(face: Face) -> None:
    async def asking() -> tuple[str, str]:
        async with face.async_client() as client:
            whole = await client.chat.completions.create(model=CLINICIAN, messages=asked(FIRST))
            stream = await client.chat.completions.create(model=CLINICIAN, messages=asked(FIRST), stream=True)
            return content(whole), "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    whole, streamed = asyncio.run(asking())
    assert whole == streamed == content(complete(face, FIRST))
