"""Files of retrieval evaluation: what is written is read back, and ``trec_eval`` finds the order that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval import trec

IDS = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=4).filter(
    lambda text: len(text.split()) == 1
)
QRELS = st.dictionaries(IDS, st.dictionaries(IDS, st.integers(-1, 3), min_size=1, max_size=4), max_size=4)
#: Many ties, and scores that only double precision tells apart.
SCORES = st.sampled_from([0.0, 1.0, 1.0 + 1e-12, 1.0 - 1e-9, 0.5, -2.0, 1e30, 3.25])
RUNS = st.dictionaries(
    IDS, st.lists(st.tuples(IDS, SCORES), min_size=1, max_size=6, unique_by=lambda d: d[0]), max_size=3
)


def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trec") / "file"


def refused(path: Path, text: str, *words: str) -> None:
    path.write_text(text, "utf-8")
    with pytest.raises(trec.FormatError) as caught:
        (trec.read_run if path.suffix == ".run" else trec.read_qrels)(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


@given(qrels=QRELS)
def test_qrels_of_both_formats_are_read_as_written(tmp_path_factory: pytest.TempPathFactory, qrels: trec.Qrels) -> None:
    path = written(tmp_path_factory)
    trec.write_beir_qrels(path, qrels)
    assert path.read_text("utf-8").startswith("query-id\tcorpus-id\tscore\n")
    assert trec.read_qrels(path) == qrels
    trec.write_trec_qrels(path, qrels)
    assert trec.read_qrels(path) == qrels
    with path.open(encoding="utf-8") as file:
        assert pytrec_eval.parse_qrel(file) == qrels


@given(run=RUNS)
def test_a_run_keeps_its_order_in_trec_eval(tmp_path_factory: pytest.TempPathFactory, run: trec.Run) -> None:
    path = written(tmp_path_factory)
    trec.write_run(path, run, "osler")
    orders = {topic: [d for d, _ in trec.ranked(documents)] for topic, documents in run.items()}
    assert {topic: [d for d, _ in documents] for topic, documents in trec.read_run(path).items()} == orders
    with path.open(encoding="utf-8") as file:
        parsed = pytrec_eval.parse_run(file)
    for topic, order in orders.items():
        for rank, document in enumerate(order, start=1):
            found = pytrec_eval.RelevanceEvaluator({topic: {document: 1}}, {"recip_rank"}).evaluate(parsed)
            assert found[topic]["recip_rank"] == pytest.approx(1 / rank)


def test_a_run_file_has_six_columns_and_ranks_from_1(tmp_path: Path) -> None:
    path = tmp_path / "system.run"
    trec.write_run(path, {"q1": [("b", 0.25), ("a", 2.0)], "q2": [("c", 1.0)]}, "osler")
    assert path.read_text() == "q1 Q0 a 1 2.0 osler\nq1 Q0 b 2 0.25 osler\nq2 Q0 c 1 1.0 osler\n"


def test_ties_of_a_file_are_read_as_trec_eval_breaks_them(tmp_path: Path) -> None:
    path = tmp_path / "ties.run"
    path.write_text("q1 Q0 a 1 1.0000000001 x\nq1 Q0 b 2 1.0 x\nq1 Q0 c 3 7 x\n")
    assert [d for d, _ in trec.read_run(path)["q1"]] == ["c", "b", "a"]


def test_a_mapping_is_ranked_by_score_then_id() -> None:
    assert trec.ranked({"b": 1.0, "c": 2.0, "a": 1.0}) == [("c", 2.0), ("a", 1.0), ("b", 1.0)]


def test_queries(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    trec.write_queries(path, {"q1": "Is heparin safe in HIT?", "q2": "β-blockers\u2028after MI"})
    assert trec.read_queries(path) == {"q1": "Is heparin safe in HIT?", "q2": "β-blockers\u2028after MI"}
    path.write_text('{"_id": "q1", "text": "a", "metadata": {}}\n\n{"_id": 2, "text": "b"}\n')
    with pytest.raises(trec.FormatError, match=r'line 3: found .*expected an object with strings "_id" and "text"'):
        trec.read_queries(path)
    path.write_text('{"_id": "q1", "text": "a"}\n' * 2)
    with pytest.raises(trec.FormatError, match="line 2: found 'q1'; expected each topic once"):
        trec.read_queries(path)


def test_what_breaks_a_format_is_named_with_its_line(tmp_path: Path) -> None:
    qrels, run = tmp_path / "q.tsv", tmp_path / "s.run"
    refused(qrels, "q1\td1\t1\n", "line 1", "'q1\\td1\\t1'", "BEIR's header")
    refused(qrels, "query-id\tcorpus-id\tscore\nq1\td1\thigh\n", "line 2", "'high'", "an integer")
    refused(qrels, "query-id\tcorpus-id\tscore\nq1 d1 1\n", "line 2", "between tabs")
    refused(qrels, "q1 0 d1 1\n\nq1 0 d1 2\n", "line 3", "'d1'", "each document once")
    refused(run, "q1 Q0 d1 1 0.5\n", "line 1", "six columns")
    refused(run, "q1 Q0 d1 1 nan x\n", "line 1", "'nan'", "a finite number")
    refused(run, "q1 Q0 d1 1 1e99 x\n", "line 1", "'1e99'", "single precision")
    refused(run, "q1 Q0 d1 1 2 x\nq1 Q0 d1 2 1 x\n", "line 2", "each document once")


def test_what_would_break_a_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for run in (
        {"q 1": [("d", 1.0)]},
        {"q": [("", 1.0)]},
        {"q": [("d", float("nan"))]},
        {"q": [("d", -1e99)]},
        {"q": [("d", 1.0), ("d", 0.5)]},
    ):
        with pytest.raises(ValueError, match="expected"):
            trec.write_run(path, run, "x")
    with pytest.raises(ValueError, match="identifier 'd\\\\t1'"):
        trec.write_beir_qrels(path, {"q": {"d\t1": 1}})
    trec.write_beir_qrels(path, {"q 1": {"d 1": 1}})
    assert trec.read_qrels(path) == {"q 1": {"d 1": 1}}
