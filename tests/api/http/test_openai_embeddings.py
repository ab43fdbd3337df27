"""Embeddings as the ``openai`` client has them: the encoder's own vectors, of texts that it reads whole."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai import BadRequestError, NotFoundError, PermissionDeniedError
from openai.types import CreateEmbeddingResponse
from openai_face import Face, faced

from rag.index.encoder import Vectors

MODEL = "osler-embedding"
TEXTS = ["argatroban in Child-Pugh C", "IVIG 1 g/kg", "≥ 2 µg/kg/min", "dose " * 250]


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("embeddings")) as found:
        yield found


def embedded(face: Face, texts: Any, **more: Any) -> CreateEmbeddingResponse:
    return face.client.embeddings.create(**{"model": MODEL, "input": texts} | more)


def vectors(face: Face, texts: list[str]) -> Vectors:
    """By the encoder itself."""
    with face.service.serving.pipeline() as pipeline:
        return pipeline.snapshot.encoder.encode(texts)


@pytest.mark.parametrize("more", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}], ids=str)
def test_vectors_are_those_of_the_encoder(face: Face, more: dict[str, str]) -> None:
    made = embedded(face, TEXTS, **more)
    CreateEmbeddingResponse.model_validate(made.to_dict(mode="python") if not more else embedded(face, "a").to_dict())
    found = [e.embedding for e in made.data]
    if more.get("encoding_format") == "base64":  # asked for by name it is given as it comes
        found = [np.frombuffer(base64.b64decode(str(e)), "<f4").tolist() for e in found]
    np.testing.assert_array_equal(np.array(found, np.float32), vectors(face, TEXTS))
    assert [e.index for e in made.data] == [0, 1, 2, 3]


def test_a_batch_has_the_vectors_of_its_texts(face: Face) -> None:
    texts = [f"argatroban at a bilirubin of {number}" for number in range(200)]
    made = embedded(face, texts)
    np.testing.assert_allclose([e.embedding for e in made.data], vectors(face, texts), atol=1e-6)
    assert np.linalg.norm(made.data[-1].embedding) == pytest.approx(1, abs=1e-5)


def test_texts_may_be_longer_than_other_bodies(starter_index: Path, tmp_path: Path) -> None:
    texts = [f"Case {number}: " + "the dose of argatroban was lowered, " * 24 for number in range(4)]
    with faced(starter_index, tmp_path, max_body_bytes=1024) as face:
        assert len(embedded(face, texts).data) == 4


def test_one_text_is_a_list_of_one(face: Face) -> None:
    one, listed = embedded(face, TEXTS[0]), embedded(face, TEXTS[:1])
    assert one.data == listed.data
    with face.service.serving.pipeline() as pipeline:
        assert one.model == pipeline.snapshot.encoder.model
        assert len(one.data[0].embedding) == pipeline.snapshot.encoder.dimension
    assert embedded(face, TEXTS[0], model=one.model, dimensions=len(one.data[0].embedding)).data == one.data


def test_tokens_are_counted_by_the_encoder(face: Face) -> None:
    counts = [embedded(face, text).usage.prompt_tokens for text in TEXTS]
    assert counts[-1] == 250
    whole = embedded(face, TEXTS).usage
    assert whole.prompt_tokens == whole.total_tokens == sum(counts)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input": ""}, "input.0"), ({"input": ["a", " "]}, "input.1"), ({"input": []}, "input"),
        ({"input": ["a"] * 2049}, "input"), ({"input": [1, 2]}, "input"), ({"input": [[1, 2], [3]]}, "input"),
        ({"input": "dose " * 255}, "input.0"), ({"dimensions": 128}, "dimensions"),
        ({"encoding_format": "int8"}, "encoding_format"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_cannot_be_embedded_is_refused(face: Face, more: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        embedded(face, **{"texts": "a"} | {"texts" if k == "input" else k: v for k, v in more.items()})
    assert refused.value.param == param


def test_a_model_that_is_not_here(face: Face) -> None:
    with pytest.raises(NotFoundError) as missing:
        embedded(face, "a", model="text-embedding-3-small")
    assert missing.value.code == "model_not_found"


def test_it_needs_the_scope_of_searching(face: Face) -> None:
    _, key = face.service.keeping.keys.create("asks only", ["ask"])
    with pytest.raises(PermissionDeniedError) as refused:
        face.client.with_options(api_key=key).embeddings.create(model=MODEL, input="a")
    assert refused.value.code == "insufficient_permissions"


def test_the_asynchronous_client_has_the_same(face: Face) -> None:
    async def asking() -> list[float]:
        async with face.async_client() as client:
            return (await client.embeddings.create(model=MODEL, input=TEXTS[0])).data[0].embedding

    assert asyncio.run(asking()) == embedded(face, TEXTS[0]).data[0].embedding
