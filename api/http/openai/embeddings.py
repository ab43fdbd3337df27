"""``/v1/embeddings``: vectors of texts, by the encoder of the index.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BeforeValidator, Field, StrictInt
from pydantic_core import PydanticCustomError

from api.http.leaving import while_connected
from api.http.openai.messages import Open, refuse
from api.http.problems import INVALID, NOT_FOUND, ProblemError
from api.http.security import Searcher
from api.http.service import Service, service_of
from rag.domain import Frozen
from rag.index.encoder import Vectors
from rag.pipeline import Pipeline, Watch

router = APIRouter(prefix="/v1", tags=["openai"])

#: The name that is the same on every index; the encoder's own is taken too.
NAME: Final = "osler-embedding"
_MOST: Final = 2048
#: Texts that are embedded before others have their turn.
_TOGETHER: Final = 16
#: Tokens that mark the ends of a text.
_ENDS: Final = 2


def _texts(given: Any) -> Any:
    """One text as a list of one. Raises ``PydanticCustomError`` for tokens."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, list) and any(isinstance(item, int | list) for item in given):
        raise PydanticCustomError("tokens", "tokens are another model's; expected text")
    return given


class EmbeddingRequest(Open):
    model: str = Field(description=f"`{NAME}`, or the name of the index's encoder")
    input: Annotated[tuple[str, ...], Field(min_length=1, max_length=_MOST), BeforeValidator(_texts, str | list[str])]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: StrictInt | None = None


class Embedding(Frozen):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(description="a unit vector; as base64 its float32, little-endian")


class EmbeddingUsage(Frozen):
    prompt_tokens: int
    total_tokens: int


class Embeddings(Frozen):
    object: Literal["list"] = "list"
    data: tuple[Embedding, ...]
    model: str
    usage: EmbeddingUsage


@router.post("/embeddings", operation_id="embed", summary="Embed texts")
async def embed(request: Request, body: EmbeddingRequest, _: Searcher) -> Embeddings:
    """Texts that are longer than the encoder reads are refused, since their ends would not count."""
    service = service_of(request)
    return await while_connected(request, service.work.run(object(), lambda watch: _embedded(service, body, watch)))


def _embedded(service: Service, body: EmbeddingRequest, watch: Watch) -> Embeddings:
    with service.serving.pipeline() as pipeline:
        encoder = pipeline.snapshot.encoder
        if body.model not in (NAME, encoder.model):
            what = f"no such model here; expected {NAME} or {encoder.model}"
            raise ProblemError(NOT_FOUND, what, where="body.model")
        refuse(body.model_dump(), {"dimensions": (encoder.dimension,)})
        tokens = _counted(pipeline, body.input)
        data = list[Embedding]()
        for first in range(0, len(body.input), _TOGETHER):
            watch("embed")
            vectors = encoder.encode(body.input[first : first + _TOGETHER])
            data += (Embedding(index=first + i, embedding=_written(v, body)) for i, v in enumerate(vectors))
    return Embeddings(
        data=tuple(data), model=encoder.model, usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
    )


def _counted(pipeline: Pipeline, texts: tuple[str, ...]) -> int:
    """Tokens of all texts. Raises ``ProblemError`` for one that is empty or too long."""
    counts, most = pipeline.snapshot.words.count_tokens(texts), pipeline.snapshot.words.max_tokens - _ENDS
    for at, count in enumerate(counts):
        if not 0 < count <= most:
            what = f"a text of {count} tokens cannot be embedded whole; expected 1 to {most}"
            raise ProblemError(INVALID, what, where=f"body.input.{at}")
    return sum(counts)


def _written(vector: Vectors, body: EmbeddingRequest) -> list[float] | str:
    if body.encoding_format == "float":
        return [float(x) for x in vector]
    return base64.b64encode(vector.astype(np.dtype("<f4")).tobytes()).decode()
