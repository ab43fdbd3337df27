"""One suite for all encoders: the exported model on two runtimes, and the original that it is checked against."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_corpus import exported_encoder

from rag.errors import EncoderError
from rag.index.encoder import RECORD_FILE, Encoder, OnnxEncoder, OpenVinoEncoder, WordEncoder
from rag.index.export import PACKAGED_MODEL, TOLERANCE, OriginalEncoder, encoder_id, export_encoder
from rag.index.graph import write_graph

TEXTS = (
    "HIT",
    "aPTT",
    "platelets <20 × 10⁹/L",
    "FcγRIIa H/R131",
    "µg/kg/min = mcg/kg/min",
    "Argatroban 0.5 mcg/kg/min is the usual start in moderate hepatic impairment (Child-Pugh B).",
    "Should IVIG be given to a patient with HIT and cirrhosis?",
    "¿Debe administrarse inmunoglobulina intravenosa?",
    "肝素诱导的血小板减少症",
    "Le facteur Xa (anti-Xa 0,5-0,8 UI/mL) est mesuré à 4 heures.",
    "p=0.149; 95% CI 0.52-1.38; HR 0.85",
    "a",
    ".",
    "Bleeding occurred in 36% versus 22%.",
    "Heparin\tmust\nbe stopped.",
    "STOP HEPARIN NOW",
    "stop heparin now",
    "Do not start warfarin before the platelet count is at least 150 × 10⁹/L.",
    "Buprenorphine 8 mg/naloxone 2 mg sublingual film",
    "BPC-157 is not approved for any indication in humans.",
    "inguinal hernia, watchful waiting",
    "Cerebral venous thrombosis in pregnancy: LMWH in full anticoagulant dose.",
    "INR 2.0-3.0 for 3-12 months",
    "Is there a role for plasma exchange before cardiac surgery?",
    "https://doi.org/10.1182/bloodadvances.2018024489",
    "(see Table 2, Fig. 3; refs. 1,2-5)",
    "The patient, 65 y, 80 kg, bilirubin 3.2 mg/dL, creatinine 2.1 mg/dL, on argatroban.",
    "Spontaneous perinephric haematoma with a prolonged aPTT suggests acquired haemophilia A. " * 3,
    "In a retrospective cohort, major bleeding was more frequent with argatroban. " * 12,
    "platelet " * 400,
)


@pytest.fixture(scope="module")
def exported(starter_index: Path) -> Path:
    return exported_encoder(starter_index)


@pytest.fixture(scope="module")
def onnx(exported: Path) -> Encoder:
    return OnnxEncoder(exported)


@pytest.fixture(scope="module")
def openvino(exported: Path) -> Encoder:
    return OpenVinoEncoder(exported)


@pytest.fixture(scope="module")
def original() -> Encoder:
    return OriginalEncoder(PACKAGED_MODEL)


@pytest.fixture(scope="module", params=["onnx", "openvino", "original"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    made: Encoder = request.getfixturevalue(request.param)
    return made


def test_is_an_encoder(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.dimension == 384


def test_vectors_are_unit_vectors_of_the_dimension(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5


def test_order_is_kept_and_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(together - backwards).max() < 1e-5
    assert np.abs(together - alone).max() < 1e-5


@pytest.mark.parametrize("threads", [1, 2, 0])
@pytest.mark.parametrize("runtime", [OpenVinoEncoder, partial(OpenVinoEncoder, may_halve=False)])
def test_openvino_gives_the_same_bits_among_any_neighbours_on_any_number_of_threads(
    exported: Path, threads: int, runtime: Callable[..., Encoder]
) -> None:
    one, other = runtime(exported, threads=1), runtime(exported, threads=threads)
    alone = np.concatenate([one.encode([text]) for text in TEXTS])
    order = random.Random(threads).sample(range(len(TEXTS)), len(TEXTS))
    assert (other.encode([TEXTS[i] for i in order]) == alone[order]).all()
    assert (other.encode(TEXTS * 3) == np.tile(alone, (3, 1))).all()


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    vectors = encoder.encode([])
    assert vectors.shape == (0, encoder.dimension)
    assert vectors.dtype == np.float32


def test_an_empty_text_has_a_unit_vector(encoder: Encoder) -> None:
    assert np.linalg.norm(encoder.encode([""])[0]) == pytest.approx(1, abs=1e-5)


def test_a_long_text_is_cut_at_the_window_not_before(encoder: Encoder) -> None:
    start, middle = "dose " * 200, "warfarin in acute HIT is harmful " * 10
    a, b, c = encoder.encode([start + middle * 40, start + middle * 80, start])
    assert np.abs(a - b).max() < 1e-5, "words beyond the window changed the vector"
    assert np.abs(a - c).max() > 1e-3, "words within the window were ignored"


def test_the_export_equals_the_original(exported: Path, onnx: Encoder, original: Encoder) -> None:
    assert onnx.encoder_id == original.encoder_id == encoder_id(PACKAGED_MODEL)
    expected = original.encode(TEXTS)
    assert np.abs(onnx.encode(TEXTS) - expected).max() < TOLERANCE
    assert np.abs(OpenVinoEncoder(exported, may_halve=False).encode(TEXTS) - expected).max() < TOLERANCE


def test_the_vectors_of_the_runtimes_can_be_compared(onnx: Encoder, openvino: Encoder) -> None:
    assert openvino.encoder_id == onnx.encoder_id
    assert (onnx.encode(TEXTS) * openvino.encode(TEXTS)).sum(1).min() > 0.9999


def test_a_second_export_is_not_made(exported: Path) -> None:
    before = (exported / "model.onnx").stat().st_mtime_ns
    assert export_encoder(PACKAGED_MODEL, exported.parent) == exported
    assert (exported / "model.onnx").stat().st_mtime_ns == before
    assert not [p.name for p in exported.parent.iterdir() if p.name.startswith(".")]


def test_an_export_with_an_older_graph_is_replaced(exported: Path, tmp_path: Path) -> None:
    for index in ("older", "newer"):
        shutil.copytree(exported, tmp_path / index / "encoders" / exported.name)
    older = tmp_path / "older" / "encoders" / exported.name
    record = json.loads((older / RECORD_FILE).read_text())
    del record["graph_version"]
    (older / RECORD_FILE).write_text(json.dumps(record))
    assert export_encoder(PACKAGED_MODEL, older.parent) == older
    assert (older / RECORD_FILE).read_bytes() == (exported / RECORD_FILE).read_bytes()
    assert (older / "model.onnx").samefile(tmp_path / "newer" / "encoders" / exported.name / "model.onnx")


@pytest.mark.parametrize(("kind", "problem"), [("roberta", "type 'roberta'"), ("bert", "word_embeddings")])
def test_a_model_that_is_no_bert_is_refused(tmp_path: Path, kind: str, problem: str) -> None:
    with pytest.raises(EncoderError, match=problem):
        write_graph(SimpleNamespace(model_type=kind, hidden_act="gelu"), {}, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"encoder\.json.*build the index again") as caught:
        OnnxEncoder(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("record", ["[]", "{}", "not json", '{"encoder_id": "x"}'])
def test_a_record_that_is_none_is_refused(tmp_path: Path, record: str) -> None:
    (tmp_path / RECORD_FILE).write_text(record)
    with pytest.raises(EncoderError, match=r"encoder\.json.*build the index again"):
        OnnxEncoder(tmp_path)


@pytest.mark.parametrize("runtime", [OnnxEncoder, OpenVinoEncoder])
@pytest.mark.parametrize("damage", ["no model", "no tokenizer", "garbled model", "garbled tokenizer"])
def test_missing_or_garbled_files_are_refused(
    exported: Path, tmp_path: Path, damage: str, runtime: type[OnnxEncoder | OpenVinoEncoder]
) -> None:
    what, name = damage.split()
    file = {"model": "model.onnx", "tokenizer": "tokenizer.json"}[name]
    for path in exported.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / file).unlink()
    if what == "garbled":
        (tmp_path / file).write_bytes(b"\x08garbled")
    with pytest.raises(EncoderError, match=r"cannot be loaded.*build the index again") as caught:
        runtime(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_record_describes_the_export(exported: Path) -> None:
    record = json.loads((exported / RECORD_FILE).read_text())
    assert record["encoder_id"] == exported.name == encoder_id(PACKAGED_MODEL)
    assert record["model"] == PACKAGED_MODEL
    assert record["max_difference"] <= TOLERANCE
    assert {p.name for p in exported.iterdir()} == {RECORD_FILE, *record["files"]}


@pytest.mark.parametrize("call", [OriginalEncoder, encoder_id])
def test_a_model_that_is_not_there_is_refused(tmp_path: Path, call: type[OriginalEncoder]) -> None:
    with pytest.raises(EncoderError, match="never downloaded"):
        call(str(tmp_path / "nowhere"))


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(EncoderError):
        export_encoder(str(tmp_path / "nowhere"), tmp_path / "encoders")
    assert not list(tmp_path.rglob("*.onnx"))
    shutil.rmtree(tmp_path / "encoders", ignore_errors=True)


def test_words_come_with_the_vector_of_their_text(exported: Path) -> None:
    encoder = WordEncoder(exported)
    text = "Argatroban is cleared by the liver."
    found = encoder.read(text)
    assert found.words == ("argatroban", "is", "cleared", "by", "the", "liver", ".")
    assert found.vectors.shape == (7, encoder.dimension)
    assert np.abs(np.linalg.norm(found.vectors, axis=1) - 1).max() < 1e-5
    assert np.abs(found.vector - encoder.encode([text])[0]).max() < 1e-5
    assert np.abs(found.vector - OpenVinoEncoder(exported, may_halve=False).encode([text])[0]).max() < 1e-5
    other = encoder.read("Argatroban is a drug.")
    assert not np.allclose(found.vectors[0], other.vectors[0]), "as the word is meant there"
    assert encoder.read("").vectors.shape == (0, encoder.dimension)


def test_tokens_are_counted_beyond_the_window(exported: Path) -> None:
    words, sentence = WordEncoder(exported), "Argatroban is monitored. "
    one, many, none = words.count_tokens([sentence, sentence * 500, ""])
    assert (many, none) == (500 * one, 0)
    assert one == len(words.read(sentence).words) + 3, "the drug has four pieces"
