"""What a request took, in the tokens of the encoder: it reads the question, and nothing is generated."""

from __future__ import annotations

from collections.abc import Sequence

from api.http.service import Service
from rag.domain import Frozen


class Usage(Frozen):
    """Tokens of the encoder that reads questions: none are generated."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def usage(service: Service, asked: Sequence[str], given: str) -> Usage:
    """The tokens of all that was asked, and of the text that is given."""
    with service.serving.pipeline() as pipeline:
        *prompt, completion = pipeline.snapshot.words.count_tokens([*asked, given])
    return Usage(prompt_tokens=sum(prompt), completion_tokens=completion, total_tokens=sum(prompt) + completion)
