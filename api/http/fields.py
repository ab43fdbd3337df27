"""Parts of requests that several endpoints share, with the limits that the description states."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path as InPath
from fastapi import Query
from pydantic import Field, StringConstraints

from api.keeping.listing import PLACE
from api.keeping.words import MAX_NAME_CHARS
from rag.domain import EvidenceType, Filter, Frozen

#: At least one visible character, and no control character that a database could not keep.
_VISIBLE = r"^[^\x00]*[^\s\x00-\x1f\x7f-\xa0][^\x00]*$"
#: Words that a person writes, up to a length that the pipeline states for questions.
Words = Annotated[str, StringConstraints(pattern=_VISIBLE)]
Title = Annotated[str, StringConstraints(max_length=MAX_NAME_CHARS, pattern=_VISIBLE)]
Note = Annotated[str, StringConstraints(max_length=4000, pattern=_VISIBLE)]
#: Ids are short words; what does not look like one is not looked up.
_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Key = Annotated[str, StringConstraints(pattern=_ID, max_length=255)]
ShortId = Annotated[str, StringConstraints(pattern=_ID, max_length=64)]

AnswerId = Annotated[str, InPath(description="an answer's `answer_id`", pattern=_ID, max_length=64)]
ConversationId = Annotated[str, InPath(description="a conversation's id", pattern=_ID, max_length=64)]
PassageId = Annotated[str, InPath(description="a passage's id, as in evidence", pattern=_ID, max_length=255)]
SourceId = Annotated[str, InPath(description="a source's key, as in references", pattern=_ID, max_length=255)]
#: Words to find conversations by, and where a page of their list goes on.
Sought = Annotated[str | None, Query(description="words of the title or of questions", max_length=200)]
Before = Annotated[str | None, Query(description="`before` of the page before", pattern=PLACE)]


class FilterBody(Frozen):
    """Which sources may take part: one of the values of each list that has any, and of the years."""

    year_from: Annotated[int, Field(ge=1800, le=2100)] | None = None
    year_to: Annotated[int, Field(ge=1800, le=2100)] | None = None
    evidence_types: Annotated[tuple[EvidenceType, ...], Field(max_length=20)] = ()
    jurisdictions: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|INT)$")], ...], Field(max_length=50)
    ] = ()
    sources: Annotated[tuple[Key, ...], Field(max_length=200)] = ()
    document_sets: Annotated[tuple[Key, ...], Field(max_length=50)] = ()

    def filter(self) -> Filter:
        """Raises ``InputError`` for years that are not in order."""
        return Filter.of(**self.model_dump(include=set(FilterBody.model_fields)))
