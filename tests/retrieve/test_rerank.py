"""The cross-encoder, with weights by chance: what it is given and gives back, not how well it ranks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from conformance import RerankerConformance, in_order

from rag.domain import Hit
from rag.errors import EncoderError, InputError
from rag.pipeline import Pipeline
from rag.retrieve.rerank import CrossEncoderReranker, followed
from rag.settings import Settings

QUESTION = "What is the dose of argatroban in hepatic impairment?"


def tiny_model(folder: Path, scores: int = 1, seed: int = 1) -> Path:
    """A BERT that reads 64 tokens, as ``save_pretrained`` writes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

        folder.mkdir()
        words = sorted(set(re.findall(r"\w+", " ".join(RerankerConformance.PASSAGES).lower())))
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", *words]
        (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)), "utf-8")
        torch.manual_seed(seed)
        config = BertConfig(vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                            intermediate_size=32, max_position_embeddings=64, initializer_range=1.0,
                            num_labels=scores)  # fmt: skip
        BertForSequenceClassification(config).eval().save_pretrained(folder)
        BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("reranker") / "tiny")


@pytest.mark.slow
class TestCrossEncoder(RerankerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def reranker(cls, model: Path) -> CrossEncoderReranker:
        return CrossEncoderReranker(model)

    def test_its_scores_are_the_model_s(self, model: Path, reranker: CrossEncoderReranker) -> None:
        import torch
        from sentence_transformers import CrossEncoder

        pairs = [(QUESTION, passage) for passage in self.PASSAGES]
        logits = CrossEncoder(str(model), device="cpu", activation_fn=torch.nn.Identity()).predict(pairs)
        expected = {hit.passage_id: float(torch.sigmoid(torch.tensor(x))) for hit, x in zip(self.HITS, logits)}  # noqa: B905
        found = reranker.rerank(QUESTION, self.PASSAGES, self.HITS[: len(self.PASSAGES)])
        assert {hit.passage_id: hit.score for hit in found} == pytest.approx(expected, abs=2e-6)

    def test_what_lies_beyond_the_window_is_not_read(self, reranker: CrossEncoderReranker) -> None:
        long = f"{self.PASSAGES[0]} " * 100
        hits = self.HITS[:2]
        found = reranker.rerank(QUESTION, [long, f"{long} {self.PASSAGES[1]}"], hits)
        assert found[0].score == found[1].score

    def test_many_passages_are_read_in_batches(self, reranker: CrossEncoderReranker) -> None:
        passages = [f"{self.PASSAGES[n % 9]} {'warfarin ' * (n // 9)}" for n in range(100)]
        hits = [Hit(f"p{n:02}", 1 - n / 100, n) for n in range(100)]
        found = reranker.rerank(QUESTION, passages, hits)
        alone = {hits[n].passage_id: reranker.rerank(QUESTION, passages[n : n + 1], hits[n : n + 1])[0].score
                 for n in range(0, 100, 9)}  # fmt: skip
        assert {h.passage_id: h.score for h in found if h.passage_id in alone} == pytest.approx(alone, abs=2e-6)


# its folder


@pytest.mark.parametrize("name", ["cross-encoder/ms-marco-MiniLM-L6-v2", "ms-marco", "/no/such", "."])
def test_a_model_is_a_folder_here_not_a_name(
    name: str, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"OSLER_RERANKER": name})
    with pytest.raises(InputError, match=r"reranker .*never downloaded"):
        Pipeline(settings, pipeline.snapshot)


@pytest.mark.slow
def test_a_model_that_cannot_be_one_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="gives 3 scores for a pair; expected one"):
        CrossEncoderReranker(tiny_model(tmp_path / "three", scores=3)).warm()
    damaged = Path(shutil.copytree(model, tmp_path / "damaged"))
    (damaged / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(EncoderError, match=r"reranker .*damaged: cannot be loaded"):
        CrossEncoderReranker(damaged).warm()
    pickled = Path(shutil.copytree(model, tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(InputError, match="safetensors"):
        CrossEncoderReranker(pickled)


@pytest.mark.slow
def test_the_digest_is_that_of_what_decides_the_scores(tmp_path: Path, model: Path) -> None:
    name = CrossEncoderReranker(model).name
    moved = Path(shutil.copytree(model, tmp_path / "tiny"))
    (moved / "README.md").write_text("Another page.")
    assert CrossEncoderReranker(moved).name == name
    assert CrossEncoderReranker(tiny_model(tmp_path / "other", seed=2)).name.split("@")[1] != name.split("@")[1]
    (moved / "vocab.txt").write_text((moved / "vocab.txt").read_text("utf-8").lower(), "utf-8")
    assert CrossEncoderReranker(moved).name != name


# what is not reranked


def test_the_others_are_moved_below() -> None:
    best, others = [Hit("a", 0.3, 1), Hit("b", 0.2, 2)], [Hit("c", 0.9, 3), Hit("d", 0.9, 4), Hit("e", 0.1, 5)]
    found = followed(best, others)
    assert [hit.score for hit in found] == [0.3, 0.2, 0.199999, 0.199999, -0.600001]
    assert found == in_order(found)
    assert followed(best, [Hit("z", 0.1, 9)])[-1].score == 0.1, "it stands below already"
    assert followed([], others) == others
    assert followed(best, []) == best


# in the pipeline


def test_without_a_setting_there_is_none(pipeline: Pipeline) -> None:
    assert pipeline.reranker is None
    assert pipeline.models.keys() == {"encoder"}
    assert Settings.from_environment({"OSLER_RERANKER": ""}).reranker is None


@pytest.mark.slow
def test_the_best_are_reranked_when_it_is_configured(pipeline: Pipeline, model: Path) -> None:
    settings = pipeline.settings.model_copy(update={"reranker": model, "rerank_depth": 5})
    with_it = Pipeline(settings, pipeline.snapshot)
    plain, found = ([hit for hit, _, _ in p.search(QUESTION, 8)] for p in (pipeline, with_it))
    assert found == in_order(found)
    assert {hit.passage_id for hit in found[:5]} == {hit.passage_id for hit in plain[:5]}
    assert [hit.passage_id for hit in found[5:]] == [hit.passage_id for hit in plain[5:]]
    assert [hit.score for hit in found[:5]] != [hit.score for hit in plain[:5]]
    assert [hit for hit, _, _ in with_it.search(QUESTION, 2)] == found[:2]
    answer = with_it.ask(QUESTION)
    assert answer.receipt.models == {**pipeline.models, "reranker": CrossEncoderReranker(model).name}
    assert answer.receipt.settings_digest != pipeline.settings.digest()
    exclude = {"answer_id", "receipt"}
    assert answer.model_dump(exclude=exclude) == pipeline.ask(QUESTION).model_dump(exclude=exclude)


@pytest.mark.slow
def test_an_answer_is_made_from_what_the_reranker_takes(pipeline: Pipeline, model: Path) -> None:
    """Of more passages than an answer is made from, those that it finds best."""
    settings = pipeline.settings.model_copy(update={"reranker": model, "rerank_depth": 40, "candidates": 10})
    with_it = Pipeline(settings, pipeline.snapshot)
    text = with_it.ask(QUESTION).receipt.retrieved
    assert len(text) == 10
    assert list(text) == [hit.passage_id for hit, _, _ in with_it.search(QUESTION, 10)]


def test_torch_is_loaded_only_when_it_is_configured(starter_index: Path, tmp_path: Path) -> None:
    for name, content in (("config.json", json.dumps({})), ("model.safetensors", "")):
        (tmp_path / name).write_text(content)
    code = (
        "import sys; from rag.pipeline import Pipeline; from rag.settings import Settings\n"
        f"settings = Settings(index_dir={str(starter_index)!r})\n"
        "Pipeline.open(settings).search('argatroban', 3)\n"
        f"Pipeline.open(settings.model_copy(update={{'reranker': __import__('pathlib').Path({str(tmp_path)!r})}}))\n"
        "print('torch' in sys.modules, 'sentence_transformers' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.stdout, done.stderr) == ("False False\n", "")
