"""``osler ask``, ``search`` and ``show``: each reads its arguments, calls ``rag``, prints, and returns the exit code.

Imports stand in the functions, so that a command loads only what it uses.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from api.terminal import label, line, state, telling, write, write_answer, write_fields, write_json

if TYPE_CHECKING:
    from rag.domain import Filter, Hit, Passage, Source
    from rag.pipeline import Pipeline
    from rag.settings import Settings

#: Forms of the references alone, by the names that ``rag.render.citing`` has for them.
_CITING = {"ris": "ris", "bibtex": "bib", "csl": "json", "vancouver": "txt"}


def ask(arguments: Namespace) -> int:
    from rag.domain import Audience

    question = _question(arguments.question)
    within = filter_of(arguments)
    pipeline = pipeline_of(arguments)
    with telling(pipeline.model.name if pipeline.model else None) as watch:
        answer = pipeline.ask(question, Audience(arguments.audience), within, watch)
    if arguments.format in _CITING:
        from rag.render.citing import references

        write(references(answer, _CITING[arguments.format], pipeline.snapshot.store.source))
    else:
        write_answer(answer, arguments.format, quotes=arguments.quotes)
    return 0


def search(arguments: Namespace) -> int:
    question, within = _question(arguments.question), filter_of(arguments)
    found = pipeline_of(arguments).search(question, arguments.k, within)
    if arguments.as_json:
        write_json(json.dumps([_hit_record(*row) for row in enumerate(found, 1)], indent=2, ensure_ascii=False))
        return 0
    for rank, (hit, passage, source) in enumerate(found, 1):
        mark = f" ({state(source)})" if state(source) else ""
        write(f"{rank:>3}  {hit.score:.3f}  {hit.passage_id}  {label(source)}{mark}\n     {line(passage.text)}\n")
    if not found and within.restricts:
        write(f"no passage passes the filter: {within}\n")
    return 0


def show(arguments: Namespace) -> int:
    pipeline = pipeline_of(arguments)
    passage, source = pipeline.passage(arguments.passage_id)
    twins, near = pipeline.alike(passage)
    if arguments.as_json:
        record = {"passage": passage.model_dump(mode="json"), "source": source.model_dump(mode="json")}
        alike = {"same_words": [p.passage_id for p in twins], "nearly_same_words": {p.passage_id: s for p, s in near}}
        write_json(json.dumps({**record, **alike}, indent=2, ensure_ascii=False))
        return 0
    write_fields(_passage_fields(passage, source))
    write("".join(f"the same words stand in {p.passage_id}\n" for p in twins))
    write("".join(f"nearly the same words ({s:.0%}) stand in {p.passage_id}\n" for p, s in near))
    return 0


def filter_of(arguments: Namespace) -> Filter:
    """What the options of a command ask of sources. Raises ``InputError`` for a value that cannot be."""
    from rag.domain import Filter

    def listed(values: list[list[str]]) -> list[str]:
        return [value for several in values for value in several]

    return Filter.of(
        year_from=arguments.year_from,
        year_to=arguments.year_to,
        evidence_types=listed(arguments.evidence),
        jurisdictions=[code.upper() for code in listed(arguments.jurisdiction)],
        sources=listed(arguments.source),
        document_sets=listed(arguments.set),
    )


def settings_of(arguments: Namespace, **given: object) -> Settings:
    from rag.settings import Settings

    return Settings.from_environment(None, index_dir=getattr(arguments, "index_dir", None), **given)


def pipeline_of(arguments: Namespace) -> Pipeline:
    settings = settings_of(arguments)
    from rag.pipeline import Pipeline

    return Pipeline.open(settings, is_brief=True)


def _question(given: str) -> str:
    """The question itself, or standard input for ``-``. Raises ``QuestionError`` when it is not text in UTF-8."""
    from rag.errors import QuestionError

    try:
        text = sys.stdin.read() if given == "-" else given
        text.encode()  # arguments that are not UTF-8 reach Python as lone surrogates
    except UnicodeError:
        raise QuestionError("question: not UTF-8; expected text, give it in UTF-8") from None
    return text


def _hit_record(rank: int, found: tuple[Hit, Passage, Source]) -> dict[str, Any]:
    hit, passage, source = found
    named: dict[str, Any] = {
        "passage_id": hit.passage_id,
        "source_id": source.key,
        "heading": passage.heading,
        "text": passage.text,
    }
    named |= {"retracted": source.retracted, "superseded_by": source.superseded_by}
    return {"rank": rank, "score": hit.score, **named}


def _passage_fields(passage: Passage, source: Source) -> list[tuple[str, str]]:
    from rag.answer.references import vancouver

    fields = {
        "passage": passage.passage_id,
        "text": passage.text,
        "source": vancouver(source),
        "source id": source.key,
        "heading": " > ".join(passage.heading_path),
        "page": str(passage.page) if passage.page is not None else None,
        "strength": passage.strength,
        "certainty": passage.certainty,
        "population": passage.population,
        "checked": passage.checked.value if passage.checked else None,
        "derived": "yes: our arithmetic, inference or synthesis" if passage.derived else "no",
    }
    return [(name, value or "not stated") for name, value in fields.items()]
