"""Reference articles: a question with the claims of a right answer, its sections, related questions and known errors.

A reference is a YAML file; the head of ``eval/references/ivig_hit.yaml`` says what its fields are. A plain article, as
text, Markdown or HTML, is one too: its title is the question and the harness splits it into claims itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from eval.datasets import written
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import text_of
from eval.domain import Claim, Erratum, Gold, Importance, Item
from rag.domain import Frozen
from rag.errors import InputError

FOLDER = Path(__file__).parents[1] / "references"
ABOUT = About(
    "reference", "questions with a reference article, claim by claim", "ships with this project", "Apache-2.0"
)
KIND = "reference"
_YAML = (".yaml", ".yml")
_FORMS: dict[str, Literal["text", "markdown", "html"]] = {
    ".txt": "text", ".text": "text", ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html",
}  # fmt: skip
_Filled = Field(min_length=1)


class _Claim(Frozen):
    id: str = _Filled
    text: str = _Filled
    importance: Importance
    values: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _values_stand_in_the_text(self) -> _Claim:
        for value in self.values:
            if value not in self.text:
                raise ValueError(f"the value {value!r} is not in the claim's text; copy it as it is written there")
        return self


class _Erratum(Frozen):
    id: str = _Filled
    claim: str = _Filled
    correction: str = _Filled
    source: str | None = None
    facts: tuple[str, ...] = ()


class _Reference(Frozen):
    question: str = _Filled
    title: str = _Filled
    claims: tuple[_Claim, ...] = _Filled
    outline: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    errata: tuple[_Erratum, ...] = ()

    @model_validator(mode="after")
    def _nothing_stands_twice(self) -> _Reference:
        _unique("claim ids", (c.id for c in self.claims))
        _unique("claims", (c.text for c in self.claims))
        _unique("errata ids", (e.id for e in self.errata))
        _unique("errata", (e.claim for e in self.errata))
        _unique("headings", self.outline)
        _unique("related questions", self.related)
        return self

    def gold(self) -> Gold:
        return Gold(
            claims=tuple(
                Claim(claim_id=c.id, text=c.text, importance=c.importance, values=c.values, facts=c.facts)
                for c in self.claims
            ),
            errata=tuple(
                Erratum(erratum_id=e.id, claim=e.claim, correction=e.correction, source=e.source, facts=e.facts)
                for e in self.errata
            ),
            outline=self.outline,
            related=self.related,
        )


def load(path: Path | None = None, corpus_dir: Path | None = None) -> Dataset:
    """One item of kind ``reference`` for each file; its id is the file's name without the ending.

    Args:
        path: A reference, a plain article, or a folder with references; by default those that ship.
        corpus_dir: A corpus in the starter format. If given, the facts of all claims and errata must be in it.

    Raises:
        InputError: nothing there, a file of another kind, an article without a question as its title, unknown or
            missing fields, a value that is not in its claim, what stands twice, or facts that are not in the corpus.
    """
    path = path or FOLDER
    corpus = written.statements(corpus_dir) if corpus_dir else None
    if path.suffix.lower() in _FORMS and path.is_file():
        return dataset(ABOUT, [_article(path)])
    return dataset(ABOUT, [_reference(file, corpus) for file in _files(path)])


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in _YAML)
        if not files:
            raise InputError(f"{path}: a folder without references; expected *.yaml, see eval/references")
        return files
    if not path.is_file() or path.suffix.lower() not in _YAML:
        known = ", ".join((*_YAML, *_FORMS))
        raise InputError(f"{path}: no reference; expected a folder, or a file that ends in one of {known}")
    return [path]


def _reference(path: Path, corpus: Mapping[str, str] | None) -> Item:
    reference = written.checked(_Reference, written.parsed(path), str(path))
    if corpus is not None:
        parts: tuple[_Claim | _Erratum, ...] = (*reference.claims, *reference.errata)
        for part in parts:
            written.known(part.facts, corpus, f"{path}, {part.id}")
    return Item(item_id=path.stem, question=reference.question, kind=KIND, gold=reference.gold())


def _article(path: Path) -> Item:
    # The YAML files need no parser of articles.
    from eval.article import gold_of, parse

    article = parse(text_of(path), _FORMS[path.suffix.lower()])
    if not article.title or not article.said():
        lacking = "question as its title" if article.said() else "statements"
        raise InputError(f"{path}: an article without {lacking}; expected the question first, then the answer")
    return Item(item_id=path.stem, question=article.title, kind=KIND, gold=gold_of(article))


def _unique(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        key = " ".join(value.casefold().split())
        if key in seen:
            raise ValueError(f"two {what} are the same: {value!r}; keep one")
        seen.add(key)
