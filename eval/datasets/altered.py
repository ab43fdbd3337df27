"""Altered sentences: statements made false in one place, true rewordings of them, and a table of harder ones by hand.

The statements are this project's own, or the sentences of SciFact's abstracts where that set's folder is given. The
table, ``tests/tables/altered_sentences.yaml``, comes with a checkout and goes with the project's own; where it is
absent only the programmed ones are asked. Each item is a claim with its evidence; what altered it is its kind, and
items of one statement are a cluster. A miscited statement is true, and its evidence another statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from eval.alterations import alterations
from eval.datasets import prepared, scifact
from eval.datasets.base import About, Dataset, dataset
from eval.domain import Item
from eval.rewordings import other_names, rewordings
from rag.errors import InputError
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file
from rag.language.lexicon import Lexicon
from rag.language.sentences import sentence_spans
from rag.language.terms import Analyzer
from rag.settings import Settings

TABLE = Path(__file__).parent.parent.parent / "tests" / "tables" / "altered_sentences.yaml"
ABOUT = About(
    "altered",
    "statements made false in one place, and true rewordings: a verifier must tell them apart",
    "ships with this project; with --data, the abstracts of SciFact",
    "Apache-2.0",
)
#: Share of a statement's words that the evidence of a miscited one may have: with more it may say the same.
_MISCITED = 0.5
#: Words of a sentence of an abstract that is long enough to stand alone.
_LEAST_WORDS = 8
_CLAIMS = "claims_train.jsonl"


class Statement(NamedTuple):
    """``anchor`` is its name, ``source`` the key of what it stands in."""

    anchor: str
    source: str
    text: str


def load(folder: Path | None = None) -> Dataset:
    """Programmed variants of the statements in a corpus folder, the starter's by default, and the table's items.

    With the folder of SciFact, those of the cited abstracts' sentences: of each abstract the first sentence that a kind
    of alteration or rewording fits.

    Raises:
        InputError: the table is not what its head says, or the folder is not what it seems.
    """
    if folder and (prepared.is_prepared(folder) or any(folder.rglob(_CLAIMS))):
        about = ABOUT._replace(source=scifact.ABOUT.source, licence=scifact.ABOUT.licence)
        return dataset(about, _once(_programmed(_abstracts(folder))))
    found = _programmed(_statements(folder or Settings().corpus_dir))
    return dataset(ABOUT, [*found, *(_table(TABLE) if TABLE.is_file() else ())])


def _statements(folder: Path) -> list[Statement]:
    return [
        Statement(
            block.attributes.get("anchor", f"{document.source.key}-{block.start}"),
            document.source.key,
            document.text[block.start : block.end],
        )
        for document in map(read_file, corpus_files([folder]))
        for block in document.blocks
    ]


def _abstracts(folder: Path) -> list[Statement]:
    """The sentences of the abstracts, which are their own sources."""
    found = {document: item.evidence[0] for item in scifact.load(folder).items for document in item.gold.relevant}
    return [
        Statement(f"{document}-{number}", document, abstract[start:end])
        for document, abstract in found.items()
        for number, (start, end) in enumerate(sentence_spans(abstract))
        if len(abstract[start:end].split()) >= _LEAST_WORDS
    ]


def _programmed(statements: Sequence[Statement]) -> Iterator[Item]:
    lexicon = Lexicon.load()
    counts = Counter(m.concept for s in statements for m in lexicon.mentions(s.text) if m.kind == "drug")
    drugs = [name for name, _ in counts.most_common()]
    names, others = other_names(lexicon), _Miscited(statements, Analyzer(lexicon))
    for statement in statements:
        for kind, altered in alterations(statement.text, lexicon, drugs):
            yield _item(statement, f"altered_{kind}", altered, statement.text)
    for statement in statements:
        for kind, reworded in rewordings(statement.text, lexicon, names):
            yield _item(statement, f"true_{kind}", reworded, statement.text)
    for statement in statements:
        if other := others.of(statement):
            yield _item(statement, "altered_citation", statement.text, other)


def _item(statement: Statement, kind: str, claim: str, evidence: str) -> Item:
    name = kind.removeprefix("altered_")
    return Item(item_id=f"{statement.anchor}-{name}", question=claim, evidence=(evidence,), kind=kind,
                cluster=statement.anchor)  # fmt: skip


def _once(items: Iterator[Item]) -> Iterator[Item]:
    """The first item of each kind of an abstract, which the anchor begins with."""
    taken: set[tuple[str, str]] = set()
    for item in items:
        key = (item.cluster.rpartition("-")[0], item.kind)
        if key not in taken:
            taken.add(key)
            yield item


class _Miscited:
    """For a statement the one of another source that has most of its words, but not so many as to say the same."""

    def __init__(self, statements: Sequence[Statement], analyzer: Analyzer) -> None:
        self._terms = {s: frozenset(analyzer.content_terms(s.text)) for s in statements}
        self._by_term: dict[str, list[Statement]] = {}
        for statement, terms in self._terms.items():
            for term in terms:
                self._by_term.setdefault(term, []).append(statement)

    def of(self, statement: Statement) -> str | None:
        """Its text; None where none of another source shares a word with it. Of equally like ones the first by name."""
        mine, shared = self._terms[statement], Counter[Statement]()
        for term in sorted(mine):
            shared.update(s for s in self._by_term[term] if s.source != statement.source)
        unlike = [(-n, s.anchor, s.text) for s, n in shared.items() if n < _MISCITED * len(mine)]
        return min(unlike)[2] if unlike else None


def _table(path: Path) -> Iterator[Item]:
    rows = yaml.safe_load(path.read_text("utf-8"))
    for group, text_of, kind_of in (("altered", "altered", "altered_by_hand"), ("accepted", "variant", "true_by_hand")):
        if not isinstance(rows, dict) or not isinstance(rows.get(group), list):
            raise InputError(f"{path.name}: has no list {group!r}; see the head of the file")
        for number, row in enumerate(rows[group], 1):
            try:
                source, text = row["source"], row[text_of]
            except (KeyError, TypeError):
                raise InputError(
                    f"{path.name}: {group} {number}: expected source and {text_of}; see the head of the file"
                ) from None
            yield Item(
                item_id=f"table-{group}-{number}", question=text, evidence=(source,), kind=kind_of, cluster=source
            )
