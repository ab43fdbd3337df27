"""Whether a folder keeps the corpus format that ``corpus/README.md`` describes.

Reading a corpus is lenient, so that any Markdown with a header can be indexed; this is the strict check of the format
in which statements carry their anchors and say how they were checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rag.domain import Block, Checked, Document, EvidenceType, Source
from rag.errors import CorpusError
from rag.ingest.readers.markdown import read_file

HEADINGS = (
    "Recommendations", "Exceptions", "Mechanism", "Dosing", "Monitoring", "Pitfalls", "Prognosis", "Diagnosis",
    "Background",
)  # fmt: skip
ATTRIBUTES = ("anchor", "strength", "certainty", "population", "checked", "derived", "confidence")
MIN_WORDS = 4

_README = "README.md"
_VALUES = {"checked": tuple(c.value for c in Checked), "confidence": ("high", "medium"), "derived": ("true",)}
_REQUIRED = ("anchor", "checked", "confidence")
_OURS = re.compile(r"\b(?:our|derived)\b", re.IGNORECASE)


class CorpusReport(NamedTuple):
    """What was found: each problem is one line, "file: subject: what is wrong; what is expected"."""

    sources: int
    statements: int
    problems: tuple[str, ...]


class _Read(NamedTuple):
    """A document under the name by which messages call its file."""

    name: str
    document: Document


def corpus_files(paths: Sequence[Path]) -> list[Path]:
    """The Markdown files among ``paths`` and in the folders among them, at any depth: sorted, each once, no README.md.

    Raises:
        CorpusError: a path that does not exist, is no Markdown file, or is a folder without any.
    """
    return sorted({file for path in paths for file in _files(path)})


def check_corpus(folder: Path) -> CorpusReport:
    """The report on all Markdown files under ``folder``. A file that cannot be read counts as a problem, not a source.

    Raises:
        CorpusError: there is no such folder, or it has no Markdown files.
    """
    read: list[_Read] = []
    problems: list[str] = []
    for path in corpus_files([folder]):
        try:
            read.append(_Read(path.name, read_file(path)))
        except CorpusError as error:
            problems.append(str(error))
    for one in read:
        problems += _source_problems(one)
        problems += _statement_problems(one)
    problems += [*_repeats(read), *_dangling(read)]
    return CorpusReport(len(read), sum(len(r.document.blocks) for r in read), tuple(problems))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [p for p in path.rglob("*.md") if p.name != _README and p.is_file()]
        if not found:
            raise CorpusError(f"folder {path}: no documents in it; expected Markdown files other than {_README}")
        return found
    if not path.exists():
        raise CorpusError(f"{path}: does not exist; expected a Markdown file or a folder of them")
    if path.suffix != ".md" or path.name == _README:
        raise CorpusError(f"{path}: not a document; expected a file named <key>.md, or a folder of them")
    return [path]


def _source_problems(read: _Read) -> Iterator[str]:
    name, source = read.name, read.document.source
    if name != f"{source.key}.md":
        yield f"{name}: key {source.key!r}: is not the file's name; expected the file to be {source.key}.md"
    if source.jurisdiction is None:
        yield f"{name}: jurisdiction: missing; expected an ISO country code, EU or INT"
    if source.evidence_type is EvidenceType.UNCLASSIFIED:
        yield f"{name}: evidence_type: missing; expected guideline, rct or another kind that corpus/README.md lists"
    if not source.licence:
        yield f"{name}: licence: missing; expected the licence of the paraphrase, such as Apache-2.0"
    if not (source.authors or source.issuing_body or source.note):
        yield f"{name}: authors: missing; expected authors, an issuing_body, or a note that says why there are none"
    if not read.document.blocks:
        yield f"{name}: body: no statements; expected at least one list item under a heading"


def _statement_problems(read: _Read) -> Iterator[str]:
    for block in read.document.blocks:
        text = read.document.text[block.start : block.end]
        subject = f"{read.name}: {_subject(block, text)}"
        for problem in (*_text_problems(text, block), *_attribute_problems(block)):
            yield f"{subject}: {problem}"


def _subject(block: Block, text: str) -> str:
    """The statement's anchor, or its first words when it has none."""
    anchor = block.attributes.get("anchor")
    return f"#{anchor}" if anchor else repr(" ".join(text.split()[:6]))


def _text_problems(text: str, block: Block) -> Iterator[str]:
    if not text.endswith("."):
        yield f"ends with {text[-1]!r}; expected a full stop, and after it only the attributes in braces"
    if len(text.split()) < MIN_WORDS:
        yield f"{len(text.split())} words; expected at least {MIN_WORDS}, a statement that can stand alone"
    heading = block.heading_path[-1] if block.heading_path else ""
    if heading not in HEADINGS:
        yield f"heading {heading!r} is unknown; expected one of {', '.join(HEADINGS)}"
    if block.attributes.get("derived") == "true" and not _OURS.search(text):
        yield "derived, but its text does not say so; expected words such as (our inference) or (derived from ...)"


def _attribute_problems(block: Block) -> Iterator[str]:
    for name in _REQUIRED:
        if name not in block.attributes:
            yield f"attribute {name} is missing; expected {_example(name)}"
    for name, value in block.attributes.items():
        if name not in ATTRIBUTES:
            yield f"attribute {name} is unknown; expected {', '.join(ATTRIBUTES)}"
        elif name in _VALUES and value not in _VALUES[name]:
            yield f"attribute {name} is {value!r}; expected {_example(name)}"
        elif not value.strip():
            yield f"attribute {name} is empty; expected a value, or no attribute"


def _example(name: str) -> str:
    return " or ".join(f'{name}="{value}"' for value in _VALUES[name]) if name in _VALUES else f"#{name} at its end"


def _repeats(reads: Iterable[_Read]) -> Iterator[str]:
    """What may occur only once in the corpus, reported at every later place."""
    unique: tuple[tuple[str, Callable[[_Read], Iterable[str]]], ...] = (
        ("key", lambda r: [r.document.source.key]),
        ("doi", lambda r: [(r.document.source.doi or "").lower()]),
        ("pmid", lambda r: [r.document.source.pmid or ""]),
        ("anchor", lambda r: [b.attributes.get("anchor", "") for b in r.document.blocks]),
        ("statement", lambda r: [r.document.text[b.start : b.end].casefold() for b in r.document.blocks]),
    )
    reads = list(reads)
    for noun, values in unique:
        first: dict[str, str] = {}
        for read in reads:
            for value in filter(None, values(read)):
                if value in first:
                    yield f"{read.name}: {noun} {value!r}: already used in {first[value]}; expected it only once"
                first.setdefault(value, read.name)


def _dangling(reads: Sequence[_Read]) -> Iterator[str]:
    """References between sources that lead nowhere, or only one way."""
    sources = {r.document.source.key: r.document.source for r in reads}
    for read in reads:
        source = read.document.source
        for field, key in _links(source):
            if key not in sources:
                yield f"{read.name}: {field} {key!r}: no such source; expected the key of a source in this corpus"
            elif (_OTHER[field], source.key) not in _links(sources[key]):
                yield f"{read.name}: {field} {key!r}: not said there; expected {_OTHER[field]} {source.key} in {key}.md"


_OTHER = {"supersedes": "superseded_by", "superseded_by": "supersedes"}


def _links(source: Source) -> list[tuple[str, str]]:
    newer = [("superseded_by", source.superseded_by)] if source.superseded_by else []
    return [("supersedes", key) for key in source.supersedes] + newer
