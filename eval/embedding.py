"""``python -m eval.building embedding``: how fast runtimes embed the same texts with the same model, side by side.

Rounds are interleaved and figures are medians, because another process on the machine slows whichever runtime is at
work. The runtimes that Osler does not embed with are imported by name: nothing but this comparison may lean on them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from eval.datasets import beir
from eval.datasets.prepared import documents
from eval.measures import ranking
from eval.synthetic import texts_of
from rag.index.encoder import MODEL_FILE, TOKENIZER_FILE, OnnxEncoder, OpenVinoEncoder, Vectors
from rag.index.export import PACKAGED_MODEL, OriginalEncoder

Encode = Callable[[Sequence[str]], Vectors]
#: sentence-transformers as it comes, in batches of 32; what exactness is measured against; what builds embed with.
BASE, REFERENCE, BUILDS = "torch fp32", "ONNX fp32", "OpenVINO bf16*"
_LENGTH, _WIDEST, _CALIBRATED = 128, 256, 256
#: Shapes (m, k, n) of the products that make up the model, and a large square one.
_PRODUCTS = ((2048, 384, 384), (2048, 384, 1536), (2048, 1536, 384), (2048, 2048, 2048))


class Runtime(NamedTuple):
    """``precision`` is that of its matrix products."""

    name: str
    precision: str
    encode: Encode


class _OpenVino(OpenVinoEncoder):
    """OpenVINO with a model and a precision of the comparison's choice."""

    def __init__(self, folder: Path, precision: str, prepared: Callable[[Any], Any] = lambda model: model) -> None:
        self._precision, self._prepared = precision, prepared
        super().__init__(folder)

    def _load(self, model: Path) -> None:
        core = import_module("openvino").Core()
        hints = {"INFERENCE_PRECISION_HINT": self._precision, "PERFORMANCE_HINT": "LATENCY"}
        read = self._prepared(core.read_model(str(model)))
        self._request = core.compile_model(read, "CPU", hints).create_infer_request()


def tokens_of(folder: Path) -> Callable[[Sequence[str]], list[int]]:
    """Into how many WordPieces texts are cut, without those that every text is given."""
    tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: [len(e.ids) for e in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def runtimes(folder: Path, aside: Path) -> Iterator[Runtime]:
    """All that this machine has; ``folder`` holds the exported model, ``aside`` is for what is made from it."""
    original = OriginalEncoder(PACKAGED_MODEL)
    original.model.eval()
    yield Runtime(BASE, "fp32", _original(original.model, 32))
    yield Runtime("torch fp32, 16", "fp32", _original(original.model, 16))
    halves: Any = OriginalEncoder(PACKAGED_MODEL).model
    yield Runtime("torch bf16, 16", "bf16", _original(halves.bfloat16(), 16))
    yield Runtime(REFERENCE, "fp32", OnnxEncoder(folder, threads=0).encode)
    int8 = OnnxEncoder(_quantised(folder, aside), threads=0)
    yield Runtime("ONNX int8", "int8", lambda texts: _one_by_one(int8, texts))
    yield Runtime("OpenVINO fp32", "fp32", _OpenVino(folder, "f32").encode)
    yield Runtime(BUILDS, "bf16", OpenVinoEncoder(folder).encode)
    if find_spec("nncf"):
        yield Runtime("OpenVINO int8", "int8", _OpenVino(folder, "bf16", lambda m: _calibrated(m, folder)).encode)


def _original(model: Any, batch_size: int) -> Encode:
    return lambda texts: np.asarray(
        model.encode(list(texts), batch_size=batch_size, normalize_embeddings=True, show_progress_bar=False), np.float32
    )


def _quantised(folder: Path, aside: Path) -> Path:
    """A copy of the exported model with 8-bit weights, one scale a channel."""
    onnx, quantization = import_module("onnx"), import_module("onnxruntime.quantization")
    copy = aside / "int8"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(MODEL_FILE))
    model = onnx.load(folder / MODEL_FILE)
    # The fused nodes are of a domain that the file does not name; the quantizer wants it named.
    if not any(known.domain == "com.microsoft" for known in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    with _quiet():
        quantization.quantize_dynamic(
            model,
            copy / MODEL_FILE,
            per_channel=True,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    return copy


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No prints and no log lines below errors from what runs inside."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _one_by_one(encoder: OnnxEncoder, texts: Sequence[str]) -> Vectors:
    """The scale of activations is a batch's, so that in a batch a text's vector would depend on its neighbours."""
    return np.concatenate([encoder.encode([text]) for text in texts])


def _calibrated(model: Any, folder: Path) -> Any:
    """With 8-bit weights and activations; their ranges are taken from synthetic texts."""
    nncf, tokenizers = import_module("nncf"), import_module("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_padding()
    items = [
        {"input_ids": np.array([e.ids], np.int64), "attention_mask": np.ones((1, len(e.ids)), np.int64)}
        for e in tokenizer.encode_batch(texts_of([_LENGTH] * _CALIBRATED, tokens_of(folder), seed=2))
    ]
    with _quiet(), Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        return nncf.quantize(model, nncf.Dataset(items), model_type=nncf.ModelType.TRANSFORMER)


def ceilings() -> dict[str, float]:
    """Most floating-point operations a second that this machine's matrix products reach, by precision."""
    torch = import_module("torch")
    torch.set_num_threads(os.cpu_count() or 1)
    found = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        found[name] = max(_flops(torch, dtype, *shape) for shape in _PRODUCTS)
    return found


def _flops(torch: Any, dtype: Any, m: int, k: int, n: int) -> float:
    one, other = torch.randn(m, k).to(dtype), torch.randn(n, k).to(dtype)
    best, until = float("inf"), time.perf_counter() + 0.5
    with torch.inference_mode():
        while time.perf_counter() < until:
            start = time.perf_counter()
            torch.nn.functional.linear(one, other)
            best = min(best, time.perf_counter() - start)
    return 2.0 * m * k * n / best


def operations(tokens: int) -> float:
    """Floating-point operations that embedding a text of so many tokens takes.

    Six layers, two operations a weight: 4 · 384² + 2 · 384 · 1536 weights a token, and with every other token two
    products of 384.
    """
    return tokens * (21.23e6 + 9216 * tokens)


def rates(found: Sequence[Runtime], texts: Sequence[str], rounds: int) -> list[float]:
    """Texts a second of each, the median of interleaved rounds."""
    for runtime in found:
        runtime.encode(texts)  # prepares itself for these lengths
    times: list[list[float]] = [[] for _ in found]
    for _ in range(rounds):
        for at, runtime in enumerate(found):
            start = time.perf_counter()
            runtime.encode(texts)
            times[at].append(time.perf_counter() - start)
    return [len(texts) / statistics.median(t) for t in times]


def embedding(folder: Path, aside: Path, passages: int, rounds: int, scifact: Path | None) -> Table:
    """The table of all runtimes; ``folder`` holds the exported model."""
    pieces = tokens_of(folder)
    even = texts_of([_LENGTH] * passages, pieces)
    lengths = np.random.default_rng(1).integers(8, _WIDEST + 1, size=passages).tolist()
    mixed = texts_of(lengths, pieces, seed=1)
    found = list(runtimes(folder, aside))
    seen = [ceilings()]
    by_even = rates(found, even, rounds)
    seen.append(ceilings())
    by_mixed = rates(found, mixed, rounds)
    seen.append(ceilings())
    most = {precision: max(c[precision] for c in seen) for precision in seen[0]}
    base = [r.name for r in found].index(BASE)
    exact = next(r for r in found if r.name == REFERENCE)
    expected, searched = exact.encode(mixed), Scifact(scifact, exact.encode) if scifact else None
    table = Table("runtime", f"{_LENGTH} tokens", f"8 to {_WIDEST} tokens", "cosine",
                  *(["nDCG@10"] if searched else []),
                  title=f"embedding {passages} texts, medians of {rounds} interleaved rounds:\n"
                        "passages/s, ratio to sentence-transformers, share of the ceiling")  # fmt: skip
    work = [operations(_LENGTH), sum(map(operations, lengths)) / passages]
    for runtime, *rate in zip(found, by_even, by_mixed, strict=True):
        ceiling, bases = most.get(runtime.precision), (by_even[base], by_mixed[base])
        cells = [f"{r:.0f} ×{r / b:.2f}" + (f" {100 * r * w / ceiling:.0f} %" if ceiling else "")
                 for r, b, w in zip(rate, bases, work, strict=True)]  # fmt: skip
        vectors = runtime.encode(mixed)
        cosine = (vectors * expected).sum(1) / np.linalg.norm(vectors, axis=1)
        last = [f"{searched.ndcg(runtime.encode):.4f}"] if searched else []
        table.add_row(runtime.name, *cells, f"{cosine.mean():.4f} {cosine.min():.4f}", *last)
    table.caption = _said(dict(zip([r.name for r in found], by_even, strict=True)), most)
    return table


def _said(by_name: dict[str, float], most: dict[str, float]) -> str:
    best = max(by_name, key=lambda name: by_name[name])
    lines = [
        f"ceiling of matrix products: {', '.join(f'{p} {f / 1e9:.0f} GFLOP/s' for p, f in most.items())}",
        f"* what builds use; the fastest, {best}, has {by_name[best] / by_name[BUILDS]:.2f} of its rate",
        f"cosine: to {REFERENCE}, mean and least; ONNX int8 is given one text at a time",
    ]
    if not find_spec("nncf"):
        lines.append("OpenVINO int8: not measured, nncf is not installed")
    return "\n".join(lines)


class Scifact:
    """A collection in BEIR's form, ranked by inner product alone: documents as title and text, cut at the window.

    Questions are always embedded with ``ask``, as the service does whatever made the passages' vectors.
    """

    _MEASURE, _DEPTH = "nDCG@10", 10

    def __init__(self, folder: Path, ask: Encode) -> None:
        self._titles, self._texts = documents(folder, "title"), documents(folder)
        items = beir.load(folder).items
        self._qrels = {item.item_id: item.gold.relevant for item in items}
        self._vectors = ask([item.question for item in items])

    def ndcg(self, encode: Encode) -> float:
        """Mean nDCG@10."""
        names = list(self._texts)
        vectors = encode([f"{self._titles[name]} {self._texts[name]}".strip() for name in names])
        run = {}
        for topic, scores in zip(self._qrels, self._vectors @ vectors.T, strict=True):
            best = np.argsort(-scores, kind="stable")[: self._DEPTH].tolist()
            run[topic] = [(names[row], float(scores[row])) for row in best]
        return ranking.evaluate(self._qrels, run, [self._MEASURE]).means[self._MEASURE] or 0.0
