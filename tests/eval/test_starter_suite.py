"""The suite that ships: enough questions of each kind, each once, over statements that exist; mistakes are named."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from eval.datasets import starter
from eval.datasets.base import Dataset
from eval.values import is_said
from rag.errors import InputError

TABLES = Path(__file__).parents[1] / "tables"
LEAST = {
    "answerable": 60,
    "unanswerable": 30,
    "false_premise": 25,
    "true_premise": 10,
    "paraphrase": 45,
    "follow_up": 20,
}


@pytest.fixture(scope="module")
def suite() -> Dataset:
    return starter.load()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the suite, to be spoilt."""
    shutil.copytree(starter.FOLDER, tmp_path / "suite")
    return tmp_path / "suite"


def plain(question: str) -> str:
    return " ".join(question.casefold().split())


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def test_there_are_enough_questions_of_each_kind(suite: Dataset) -> None:
    counts = Counter(item.kind for item in suite.items)
    assert counts.keys() == LEAST.keys()
    assert {kind: n for kind, n in counts.items() if n < LEAST[kind]} == {}


def test_questions_are_asked_once_and_are_none_of_the_tables(suite: Dataset) -> None:
    asked = [plain(i.question) for i in suite.items] + [plain(i.question) for i in starter.whole().items]
    assert [q for q, n in Counter(asked).items() if n > 1] == []
    known = {plain(s) for path in TABLES.glob("*.yaml") for s in strings(yaml.safe_load(path.read_text("utf-8")))}
    assert known & set(asked) == set()
    ours = Path(starter.FOLDER).parents[1] / "questions" / "starter.txt"
    assert {plain(line) for line in ours.read_text("utf-8").splitlines()} & set(asked) == set()


def test_gold_fits_the_kind(suite: Dataset) -> None:
    for item in suite.items:
        gold = item.gold
        assert gold.answerable is (item.kind != "unanswerable"), item.item_id
        assert bool(gold.claims) is gold.answerable, item.item_id
        assert (gold.premise is None) is not item.kind.endswith("_premise"), item.item_id
        assert gold.premise_holds is {"false_premise": False, "true_premise": True}.get(item.kind), item.item_id
        assert bool(item.history) is (item.kind == "follow_up"), item.item_id
        assert not gold.claims or any(c.importance == "must" for c in gold.claims), item.item_id
        assert len(gold.claims) <= 5, item.item_id


def test_a_claim_is_its_statement_with_the_values_in_it(suite: Dataset) -> None:
    claims = {c.claim_id: c for item in suite.items for c in item.gold.claims}
    assert len(claims) > 200, "the suite asks for most of the corpus"
    assert "not exceeding 100 s" in claims["hit074"].values
    for claim in claims.values():
        assert claim.facts == (claim.claim_id,)
        assert [v for v in claim.values if v not in claim.text or not is_said(v, claim.text, claim.text)] == []


def test_paraphrases_share_cluster_and_gold(suite: Dataset) -> None:
    groups: dict[str, list[Any]] = {}
    for item in suite.items:
        if item.kind == "paraphrase":
            groups.setdefault(item.cluster, []).append(item)
    assert {len(items) for items in groups.values()} == {3}
    assert all(len({i.gold.model_dump_json() for i in items}) == 1 for items in groups.values())
    assert all(items[0].item_id == cluster for cluster, items in groups.items())
    assert not any(item.cluster for item in suite.items if item.kind != "paraphrase")


def test_follow_ups_can_be_asked_whole(suite: Dataset) -> None:
    in_conversation = {i.item_id: i for i in suite.items if i.kind == "follow_up"}
    whole = {i.item_id: i for i in starter.whole().items}
    assert whole.keys() == in_conversation.keys()
    for item_id, item in whole.items():
        assert not item.history
        assert item.gold == in_conversation[item_id].gold
        assert in_conversation[item_id].history[0].role == "user"
        assert in_conversation[item_id].history[-1].role == "assistant"


def test_the_same_suite_has_the_same_digest(suite: Dataset, folder: Path) -> None:
    assert starter.load(folder).digest == suite.digest


def spoil(folder: Path, name: str, old: str, new: str) -> str:
    """Changes the first ``old`` in a file of the suite, and says what loading it says."""
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError) as caught:
        starter.load(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("answerable.yaml", "must: [hit053]", "must: [hit999]", "item ivig-response: statement 'hit999' is not in"),
        ("answerable.yaml", "must: [hit053]", "must: []", "item ivig-response: must"),
        ("answerable.yaml", "nice: [hit050, hit055]", "nice: [hit053]", "stands twice under must and nice"),
        ("answerable.yaml", "nice: [hit050, hit055]", "nices: [hit050]", "item ivig-response: nices"),
        ("answerable.yaml", "must: [hit053]", "must: [hit053]\n  must: [hit050]", "key 'must' stands twice"),
        ("answerable.yaml", "- id: fourts-items", "- id: ivig-response", "'ivig-response' is there 2 times"),
        (
            "answerable.yaml",
            "remind me how to score the 4Ts",
            "Argatroban plasma level target  in HIT?",
            "asks the same",
        ),
        ("unanswerable.yaml", 'why: "', 'reason: "', "item far-pneumonia: why: Field required"),
        ("false_premise.yaml", "holds: false", "holds: 'false'", "item false-us-label-cpc: holds"),
        ("false_premise.yaml", "facts: [hit075, hit076]", "facts: []", "item false-us-label-cpc: facts"),
        ("paraphrases.yaml", "other:", "third:", "item para-ivig-refractory"),
        ("followups.yaml", "- assistant:", "- user:", "item follow-dialysis: the turns of a history"),
        ("followups.yaml", "kind: ellipsis", "kind: riddle", "item follow-dialysis: kind"),
        ("followups.yaml", "- id: follow-dialysis", "- id: [", "not YAML"),
    ],
)
def test_mistakes_are_named_with_file_and_item(folder: Path, name: str, old: str, new: str, message: str) -> None:
    said = spoil(folder, name, old, new)
    assert message in said
    assert str(folder) in said or "2 times" in said


def test_a_file_that_is_missing_or_no_list(folder: Path) -> None:
    (folder / "followups.yaml").write_text("a: b\n", "utf-8")
    with pytest.raises(InputError, match=r"followups.yaml: holds dict; expected a list"):
        starter.load(folder)
    (folder / "followups.yaml").unlink()
    with pytest.raises(InputError, match=r"followups.yaml: no such file"):
        starter.load(folder)
