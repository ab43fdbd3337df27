"""Altered sentences: statements of the starter corpus made false in one place, and a table of harder ones by hand.

The statements are this project's own. The table, ``tests/tables/altered_sentences.yaml``, comes with a checkout; where
it is absent only the programmed alterations are asked. Each item is a claim with its evidence; what altered it is its
kind, and items of one statement are a cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

from eval.alterations import alterations
from eval.datasets.base import About, Dataset, dataset
from eval.domain import Item
from rag.errors import InputError
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file
from rag.language.lexicon import Lexicon
from rag.settings import Settings

TABLE = Path(__file__).parent.parent.parent / "tests" / "tables" / "altered_sentences.yaml"
ABOUT = About(
    "altered",
    "statements made false in one place, and harmless variants: a verifier must tell them apart",
    "ships with this project",
    "Apache-2.0",
)


def load(folder: Path | None = None) -> Dataset:
    """Programmed alterations of the statements in a corpus folder, the starter's by default, and the table's.

    Raises:
        InputError: the table is not what its head says.
    """
    statements = [
        (block.attributes.get("anchor", f"{document.source.key}-{block.start}"), document.text[block.start : block.end])
        for document in map(read_file, corpus_files([folder or Settings().corpus_dir]))
        for block in document.blocks
    ]
    return dataset(ABOUT, [*_programmed(statements), *(_table(TABLE) if TABLE.is_file() else ())])


def _programmed(statements: list[tuple[str, str]]) -> Iterator[Item]:
    lexicon = Lexicon.load()
    counts = Counter(m.concept for _, text in statements for m in lexicon.mentions(text) if m.kind == "drug")
    drugs = [name for name, _ in counts.most_common()]
    for anchor, text in statements:
        for kind, altered in alterations(text, lexicon, drugs):
            yield Item(
                item_id=f"{anchor}-{kind}", question=altered, evidence=(text,), kind=f"altered_{kind}", cluster=anchor
            )


def _table(path: Path) -> Iterator[Item]:
    rows = yaml.safe_load(path.read_text("utf-8"))
    for group, text_of, kind_of in (("altered", "altered", "altered_by_hand"), ("accepted", "variant", "true")):
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
