"""One immutable snapshot: a folder named by the digest of all that shaped it.

``indexes/README.md`` describes the format on disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import SnapshotError
from rag.index.encoder import OnnxEncoder, sha256
from rag.index.lexical import FILES as POSTINGS
from rag.index.lexical import LexicalIndex
from rag.index.store import Store
from rag.index.vectors import DenseIndex
from rag.language.lexicon import TABLE, Lexicon
from rag.language.terms import ANALYSIS_VERSION, Analyzer

FORMAT_VERSION = 1
CURRENT = "CURRENT"
MANIFEST = "manifest.json"
STORE = "store.sqlite"
PASSAGE_VECTORS = "passages.faiss"
SENTENCE_VECTORS = "sentences.npy"
FILES = (STORE, PASSAGE_VECTORS, SENTENCE_VECTORS, *POSTINGS)
#: What a snapshot is named after: see ``snapshot_id_of``.
SHAPED_BY = (
    "format_version", "splitter_version", "analysis_version", "lexicon_sha256", "encoder_id", "corpus_digest",
)  # fmt: skip
#: Files up to this size are hashed whenever a snapshot is opened; larger ones by ``osler index verify``.
HASHED_AT_OPENING = 16 * 2**20


class Snapshot:
    """An opened snapshot.

    Args:
        index_dir: the folder that holds ``snapshots/``, ``encoders/`` and ``CURRENT``.
        snapshot_id: which one; the current one when absent.

    Raises:
        SnapshotError: there is none, it is damaged, or it is of another format.
    """

    def __init__(self, index_dir: Path, snapshot_id: str | None = None) -> None:
        self.snapshot_id = snapshot_id or current_id(index_dir)
        self.folder = index_dir / "snapshots" / self.snapshot_id
        self.manifest = read_manifest(self.folder)
        problems = damaged(self.folder, self.manifest, largest=HASHED_AT_OPENING)
        if problems:
            raise SnapshotError(f"snapshot {self.folder}: {problems[0]}; run `osler index build` to make it again")
        if (self.manifest["lexicon_sha256"], self.manifest["analysis_version"]) != (sha256(TABLE), ANALYSIS_VERSION):
            raise SnapshotError(
                f"snapshot {self.folder}: its terms were made with another lexicon or analysis than this version's; "
                "run `osler index build` to make it again"
            )
        self._index_dir = index_dir
        self.store = Store(self.folder / STORE)
        self.dense = DenseIndex(self.folder / PASSAGE_VECTORS)
        self.lexical = LexicalIndex(self.folder, len(self.dense))
        self.sentence_vectors: NDArray[np.float32] = np.load(self.folder / SENTENCE_VECTORS, mmap_mode="r")

    @cached_property
    def encoder(self) -> OnnxEncoder:
        """The encoder that made the vectors; loaded when it is first used."""
        return OnnxEncoder(self._index_dir / "encoders" / self.manifest["encoder_id"], threads=2)

    @cached_property
    def analyzer(self) -> Analyzer:
        """The analysis that made the terms: the lexicon with the corpus's own abbreviations."""
        return Analyzer(Lexicon.load().extended(self.store.abbreviations()))

    @property
    def corpus_digest(self) -> str:
        return str(self.manifest["corpus_digest"])

    def close(self) -> None:
        self.store.close()


def current_id(index_dir: Path) -> str:
    """Id of the published snapshot. Raises ``SnapshotError`` when none was ever published."""
    try:
        return (index_dir / CURRENT).read_text("ascii").strip()
    except FileNotFoundError:
        raise SnapshotError(f"index {index_dir}: no snapshot there; run `osler index build` first") from None
    except OSError as error:
        raise SnapshotError(
            f"index {index_dir}: cannot be read ({error}); expected a folder made by `osler index build`"
        ) from error


def snapshot_id_of(facts: Mapping[str, Any]) -> str:
    """Digest of all that shapes a snapshot: 16 hexadecimal digits."""
    return hashlib.sha256("\0".join(str(facts.get(name)) for name in SHAPED_BY).encode()).hexdigest()[:16]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a snapshot. Raises ``SnapshotError`` when it cannot be used.

    A manifest vouches for the files; the folder's name, which is its digest, vouches for the manifest.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(f"snapshot {folder}: no readable {MANIFEST} ({error}); run `osler index build`") from error
    if not isinstance(manifest, dict):
        raise SnapshotError(f"snapshot {folder}: {MANIFEST} is no JSON object; run `osler index build`")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise SnapshotError(
            f"snapshot {folder}: format {version}, expected {FORMAT_VERSION}; run `osler index build` with this version"
        )
    files = manifest.get("files")
    is_listed = isinstance(files, dict) and set(files) == set(FILES)
    if not is_listed or not snapshot_id_of(manifest) == manifest.get("snapshot_id") == folder.name:
        raise SnapshotError(f"snapshot {folder}: {MANIFEST} is damaged; run `osler index build` to make it again")
    return manifest


def damaged(folder: Path, manifest: dict[str, Any], largest: int | None = None) -> list[str]:
    """What does not match the manifest, one line a file; content is compared for files up to ``largest`` bytes."""
    problems = []
    for name, facts in manifest["files"].items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else -1
        if size < 0:
            problems.append(f"{name} is missing")
        elif size != facts.get("bytes"):
            problems.append(f"{name} is damaged: {size} bytes, expected {facts.get('bytes')}")
        elif (largest is None or size <= largest) and sha256(path) != facts.get("sha256"):
            problems.append(f"{name} is damaged: its sha256 is not the manifest's")
    return problems
