"""The reference articles: complete, true to the statements behind them, and read with every mistake named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from eval.datasets import reference, written
from eval.datasets.base import Dataset
from eval.domain import Item
from rag.errors import InputError
from rag.settings import Settings

QUESTIONS = Path(reference.FOLDER).parent / "questions" / "starter.txt"
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def shipped() -> Dataset:
    return reference.load(corpus_dir=Settings().corpus_dir)


@pytest.fixture(scope="module")
def corpus() -> dict[str, str]:
    return written.statements(Settings().corpus_dir)


def item_of(dataset: Dataset, item_id: str) -> Item:
    return next(i for i in dataset.items if i.item_id == item_id)


def test_each_starter_question_has_a_reference(shipped: Dataset) -> None:
    asked = QUESTIONS.read_text("utf-8").split("\n")
    assert {i.question for i in shipped.items} == {line for line in asked if line}
    assert {i.kind for i in shipped.items} == {"reference"}


def test_references_are_whole_articles(shipped: Dataset) -> None:
    for item in shipped.items:
        gold = item.gold
        assert len(gold.claims) >= 12, item.item_id
        assert sum(c.importance == "must" for c in gold.claims) >= 6, item.item_id
        assert 4 <= len(gold.outline) <= 7, item.item_id
        assert len(gold.related) >= 5, item.item_id
        assert "Pitfalls" in gold.outline, item.item_id
        assert all(e.source and e.facts for e in gold.errata), item.item_id


def test_a_claim_is_one_sentence(shipped: Dataset) -> None:
    for item in shipped.items:
        for claim in item.gold.claims:
            assert re.search(r"[.?!]\s+[A-Z]", claim.text) is None, claim.text
            assert claim.text.endswith("."), claim.text


def test_every_number_stands_in_the_statements_behind_it(shipped: Dataset, corpus: dict[str, str]) -> None:
    for item in shipped.items:
        said = [(c.text, c.facts) for c in item.gold.claims] + [(e.correction, e.facts) for e in item.gold.errata]
        for text, facts in said:
            behind = " ".join(corpus[fact] for fact in facts)
            assert set(_NUMBER.findall(text)) - set(_NUMBER.findall(behind)) == set(), f"{item.item_id}: {text}"


def test_only_a_claim_that_nothing_was_found_has_no_facts(shipped: Dataset) -> None:
    bare = {c.text for item in shipped.items for c in item.gold.claims if not c.facts}
    assert bare == {"No trial or guideline addresses HIT in combined cirrhosis and renal failure."}


def test_claims_are_in_words_of_their_own(shipped: Dataset, corpus: dict[str, str]) -> None:
    texts = {text.casefold() for text in corpus.values()}
    assert [c.text for i in shipped.items for c in i.gold.claims if c.text.casefold() in texts] == []


def test_the_article_on_ivig_has_its_errata(shipped: Dataset) -> None:
    gold = item_of(shipped, "ivig_hit").gold
    assert [e.erratum_id for e in gold.errata] == [f"e{n:02}" for n in range(1, 13)]
    assert "not part of the initial treatment" in gold.claims[0].text


WHOLE: dict[str, Any] = {
    "question": "May it be given?",
    "title": "It may",
    "claims": [
        {"id": "dose", "text": "Give 5 mg a day.", "importance": "must", "values": ["5 mg"], "facts": ["hit001"]}
    ],
    "errata": [{"id": "e1", "claim": "Give 50 mg.", "correction": "Give 5 mg.", "facts": ["hit001"]}],
}


def file_of(folder: Path, **changes: Any) -> Path:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in (WHOLE | changes).items() if v is not None}), "utf-8")
    return path


def test_a_reference_of_ones_own(tmp_path: Path) -> None:
    (item,) = reference.load(file_of(tmp_path)).items
    assert (item.item_id, item.question, item.kind) == ("small", "May it be given?", "reference")
    assert item.gold.claims[0].values == ("5 mg",)
    assert item.gold.errata[0].source is None
    assert reference.load(tmp_path).items == (item,), "a folder is read file by file"
    assert reference.load(tmp_path, Settings().corpus_dir).items == (item,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"claims": [WHOLE["claims"][0] | {"values": ["5 mcg"]}]}, "value '5 mcg' is not in the claim's text"),
        ({"claims": [WHOLE["claims"][0]] * 2}, "two claim ids are the same: 'dose'"),
        ({"claims": [WHOLE["claims"][0], WHOLE["claims"][0] | {"id": "b"}]}, "two claims are the same"),
        ({"claims": [WHOLE["claims"][0] | {"weight": 2}]}, "claims.0.weight"),
        ({"claims": [WHOLE["claims"][0] | {"importance": "vital"}]}, "claims.0.importance"),
        ({"claims": []}, "claims: "),
        ({"question": None}, "question: Field required"),
        ({"sections": ["One"]}, "sections: "),
        ({"outline": ["One", "one"]}, "two headings are the same"),
        ({"claims": [WHOLE["claims"][0] | {"facts": ["hit999"]}]}, "dose: statement 'hit999' is not in the corpus"),
        ({"errata": [WHOLE["errata"][0] | {"facts": ["hit999"]}]}, "e1: statement 'hit999' is not in the corpus"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = file_of(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        reference.load(path, Settings().corpus_dir)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_plain_article_is_a_reference(tmp_path: Path) -> None:
    path = tmp_path / "gout.md"
    path.write_text(
        "# May allopurinol be started in a flare?\n\nIt may be started at 100 mg a day. [1]\n\n## Pitfalls\n\n"
        "- Do not stop it in a later flare. [1]\n\n## References\n\n1. A guideline, 2020.\n",
        "utf-8",
    )
    (item,) = reference.load(path).items
    assert item.question == "May allopurinol be started in a flare?"
    assert [c.text for c in item.gold.claims] == [
        "It may be started at 100 mg a day.", "Do not stop it in a later flare."]  # fmt: skip
    assert item.gold.claims[0].values == ("100 mg",)
    assert item.gold.outline == ("Pitfalls",)


def test_what_is_no_reference(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n", "utf-8")
    with pytest.raises(InputError, match="an article without statements"):
        reference.load(empty)
    with pytest.raises(InputError, match="a folder without references"):
        reference.load(tmp_path)
    for name in ("absent.yaml", "absent.txt", "data.csv"):
        with pytest.raises(InputError, match=r"no reference; expected a folder, or a file that ends in one of \.yaml"):
            reference.load(tmp_path / name)
