"""Runs: order, concurrency, what is kept and taken up again, what is selected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.cache import AnswerCache, Journal
from eval.domain import Article, Gold, Item, Outcome, Response, Said, Score, Scores, Turn
from eval.runner import run, select
from eval.systems.base import System, failed, item_digest, receipt_digest
from rag.errors import InputError

ROOT = Path(__file__).parents[2]


def items_of(n: int) -> list[Item]:
    return [Item(item_id=f"q{i}", question=f"Question {i}?") for i in range(n)]


class Echo:
    """Answers with the question. ``before`` is called with each item first, and may fail or wait."""

    def __init__(self, version: int = 1, before: Callable[[Item], None] = lambda item: None) -> None:
        self.name = "echo"
        self.asked: Counter[str] = Counter()
        self._version, self._before, self._lock = version, before, threading.Lock()

    def receipt(self) -> dict[str, object]:
        return {"version": self._version}

    def respond(self, item: Item) -> Response:
        with self._lock:
            self.asked[item.item_id] += 1
        self._before(item)
        article = Article(bottom_line=(Said(text=item.question, citations=(1,)),))
        return Response(item_id=item.item_id, outcome=Outcome.ANSWERED, text=item.question, article=article)

    def close(self) -> None:
        pass


def length(item: Item, response: Response) -> Scores:
    return {"length": Score(value=float(len(response.text)))}


def failing_on(*ids: str) -> Callable[[Item], None]:
    def fail(item: Item) -> None:
        if item.item_id in ids:
            raise ConnectionError("the line\nis dead")

    return fail


# one run


@pytest.mark.parametrize("workers", [1, 4])
def test_records_are_in_the_order_of_the_items(workers: int) -> None:
    items = items_of(12)
    slow_first = Echo(before=lambda item: time.sleep(0.02 if item.item_id == "q0" else 0.0))
    records = run(items, slow_first, score=length, workers=workers)
    assert [record.item for record in records] == items
    assert [record.response.item_id for record in records] == [item.item_id for item in items]
    assert all(record.scores["length"].value == 11 + (len(record.item.item_id) - 2) for record in records)


def test_a_run_of_nothing() -> None:
    assert run([], Echo(), score=length) == []


def test_workers_ask_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=5)
    records = run(items_of(4), Echo(before=lambda item: void(together.wait())), score=length, workers=4)
    assert all(record.response.is_answer for record in records), "a barrier that is not met breaks"


def void(_: object) -> None:
    pass


def test_progress_is_told_from_the_calling_thread() -> None:
    told: list[tuple[int, int]] = []
    threads = set()

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        threads.add(threading.get_ident())

    run(items_of(3), Echo(), score=length, workers=2, progress=progress)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert threads == {threading.get_ident()}


def test_an_exception_of_the_system_is_a_failed_response() -> None:
    records = run(items_of(3), Echo(before=failing_on("q1")), score=length, workers=2)
    assert [record.response.outcome for record in records] == [Outcome.ANSWERED, Outcome.FAILED, Outcome.ANSWERED]
    assert records[1].response.error == "ConnectionError: the line is dead"
    assert records[1].scores["length"].value == 0, "a failure is scored too"
    assert [record.response.seconds is not None for record in records] == [False, True, False], "no time is made up"


def test_an_answer_to_another_item_is_a_failed_response() -> None:
    class Confused(Echo):
        def respond(self, item: Item) -> Response:
            return super().respond(item).model_copy(update={"item_id": "q9"})

    assert run(items_of(1), Confused(), score=length)[0].response.error == "answered to 'q9'"


def test_an_exception_of_the_scorer_ends_the_run(tmp_path: Path) -> None:
    def broken(item: Item, response: Response) -> Scores:
        raise ZeroDivisionError(item.item_id)

    journal = tmp_path / "journal.jsonl"
    with pytest.raises(ZeroDivisionError):
        run(items_of(2), Echo(), score=broken, journal=journal)
    again = Echo()
    run(items_of(1), again, score=length, journal=journal)
    assert not again.asked, "what was answered is kept nevertheless"


@pytest.mark.parametrize(("items", "workers"), [([*items_of(2), *items_of(1)], 1), (items_of(2), 0)])
def test_a_run_that_makes_no_sense_is_refused(items: list[Item], workers: int) -> None:
    with pytest.raises(InputError, match="expected"):
        run(items, Echo(), score=length, workers=workers)


# going on after an interruption


def test_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    journal = tmp_path / "deep" / "journal.jsonl"
    first = run(items_of(3), Echo(), score=length, journal=journal)
    system = Echo()
    records = run(items_of(5), system, score=length, journal=journal, workers=2)
    assert system.asked == {"q3": 1, "q4": 1}
    assert records[:3] == first


def test_failed_items_are_asked_again(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run(items_of(3), Echo(before=failing_on("q1")), score=length, journal=journal)
    system = Echo()
    assert all(r.response.is_answer for r in run(items_of(3), system, score=length, journal=journal))
    assert system.asked == {"q1": 1}
    third = Echo()
    run(items_of(3), third, score=length, journal=journal)
    assert not third.asked, "the last line to an item counts"


def test_another_system_or_another_question_is_asked_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run(items_of(2), Echo(), score=length, journal=journal)
    other = Echo(version=2)
    run(items_of(2), other, score=length, journal=journal)
    assert other.asked.total() == 2
    changed = Echo()
    run([items_of(1)[0].model_copy(update={"question": "Another?"}), items_of(2)[1]], changed, score=length,
        journal=journal)  # fmt: skip
    assert changed.asked == {"q0": 1}


def test_scores_are_made_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run(items_of(1), Echo(), score=length, journal=journal)
    records = run(items_of(1), Echo(), score=lambda i, r: {"new": Score(value=1.0)}, journal=journal)
    assert records[0].scores == {"new": Score(value=1.0)}


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run(items_of(3), Echo(), score=length, journal=journal)
    whole = journal.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in (1, len(last) // 2, len(last) - 1):
        journal.write_bytes(whole[:-cut])
        system = Echo()
        run(items_of(3), system, score=length, journal=journal)
        assert system.asked == {"q2": 1}
        assert len(journal.read_bytes().splitlines()) == 3


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run(items_of(2), Echo(), score=length, journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0][:20] + b"\n" + lines[1])
    with pytest.raises(InputError, match="line 1 cannot be read"):
        run(items_of(2), Echo(), score=length, journal=journal)


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    opened = Journal(tmp_path / "journal.jsonl")
    with pytest.raises(InputError, match="another run writes it"):
        Journal(tmp_path / "journal.jsonl")
    opened.close()
    Journal(tmp_path / "journal.jsonl").close()


def test_a_journal_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        run(items_of(1), Echo(), score=length, journal=tmp_path)


def test_an_interruption_goes_on_and_leaves_the_journal_whole(tmp_path: Path) -> None:
    def interrupted(item: Item) -> None:
        if item.item_id == "q2":
            raise KeyboardInterrupt

    journal = tmp_path / "journal.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run(items_of(50), Echo(before=interrupted), score=length, journal=journal)
    kept = [json.loads(line)["response"]["item_id"] for line in journal.read_text().splitlines()]
    assert kept[:2] == ["q0", "q1"]
    assert len(kept) < 50
    system = Echo()
    records = run(items_of(50), system, score=length, journal=journal)
    assert len(records) == 50
    assert system.asked.total() == 50 - len(kept)


SLOW_RUN = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs in the background is born deaf to it
sys.path[:0] = [{tests!r}]
from test_runner import Echo, items_of, length
from eval.runner import run
run(items_of(40), Echo(before=lambda item: time.sleep(0.05)), score=length, workers=2, journal=Path({journal!r}))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_goes_on(tmp_path: Path, how: signal.Signals) -> None:
    journal = tmp_path / "journal.jsonl"
    code = SLOW_RUN.format(tests=str(Path(__file__).parent), journal=str(journal))
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (journal.is_file() and journal.read_bytes().count(b"\n") >= 5):
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(process.pid, how)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode in (-how, 130, 1)
    assert how is signal.SIGKILL or b"KeyboardInterrupt" in stderr
    kept = journal.read_bytes().count(b"\n")
    assert 5 <= kept < 40
    system = Echo()
    records = run(items_of(40), system, score=length, journal=journal)
    assert system.asked.total() == 40 - kept, "nothing that was kept is asked again"
    assert [record.response.text for record in records] == [item.question for item in items_of(40)]


# the cache


def test_the_cache_serves_other_runs(tmp_path: Path) -> None:
    for expected in (3, 0):
        cache, system = AnswerCache(tmp_path / "cache" / "answers.sqlite"), Echo()
        records = run(items_of(3), system, score=length, cache=cache, workers=3)
        cache.close()
        assert system.asked.total() == expected
        assert all(record.response.is_answer for record in records)


def test_failures_are_not_cached(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.sqlite")
    run(items_of(2), Echo(before=failing_on("q1")), score=length, cache=cache)
    system = Echo()
    run(items_of(2), system, score=length, cache=cache)
    cache.close()
    assert system.asked == {"q1": 1}


def test_a_response_of_a_form_that_is_not_known_is_asked_anew(tmp_path: Path) -> None:
    cache, item = AnswerCache(tmp_path / "answers.sqlite"), items_of(1)[0]
    cache.put("s", item, Echo().respond(item))
    assert cache.get("s", item) is not None
    cache._database.execute("""UPDATE responses SET response = '{"item_id": "q0"}'""")
    assert cache.get("s", item) is None
    cache.close()


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_text("This is a text, and it is longer than the header of a database would be. " * 20)
    with pytest.raises(InputError, match=r"cache .*cannot be used"):
        AnswerCache(path)


def test_kept_prose_is_read_anew(tmp_path: Path) -> None:
    class Shouting(Echo):
        def reread(self, item: Item, response: Response) -> Response:
            return response.model_copy(update={"text": response.text.upper()})

    journal = tmp_path / "journal.jsonl"
    assert run(items_of(1), Shouting(), score=length, journal=journal)[0].response.text == "Question 0?"
    assert run(items_of(1), Shouting(), score=length, journal=journal)[0].response.text == "QUESTION 0?"


def test_what_is_asked_decides_and_not_what_is_known() -> None:
    item = Item(item_id="q", question="Which?")
    same = item.model_copy(update={"gold": Gold(answers=("That",), label="A"), "kind": "k", "cluster": "c"})
    assert item_digest(item) == item_digest(same)
    others = (
        {"question": "What?"}, {"history": (Turn(role="user", text="Hello"),)}, {"evidence": ("This.",)},
        {"gold": Gold(options={"A": "This", "B": "That"})}, {"item_id": "r"},
    )  # fmt: skip
    digests = {item_digest(item.model_copy(update=change)) for change in others}
    assert len(digests | {item_digest(item)}) == 6
    assert receipt_digest("a", {"x": 1, "y": 2}) == receipt_digest("a", {"y": 2, "x": 1})
    assert receipt_digest("a", {"x": 1}) != receipt_digest("b", {"x": 1})


def test_an_error_is_one_line_of_bearable_length() -> None:
    error = failed(items_of(1)[0], "much\nto " * 200).error or ""
    assert "\n" not in error
    assert len(error) == 300
    assert failed(items_of(1)[0], " ").error == "no reason given"


def test_the_double_is_a_system() -> None:
    assert isinstance(Echo(), System)


# selecting items


def clustered(sizes: list[int]) -> list[Item]:
    return [
        Item(item_id=f"{c}-{i}", question="?", cluster=f"c{c}" if size > 1 else "")
        for c, size in enumerate(sizes)
        for i in range(size)
    ]


def test_a_limit_takes_the_first() -> None:
    items = items_of(5)
    assert select(items) == items
    assert select(items, 2) == items[:2]
    assert select(items, 9) == items
    assert select(items, sample_seed=1) == items, "a seed alone selects nothing"


def test_a_seed_decides_the_sample() -> None:
    items = items_of(200)
    samples = [select(items, 20, seed) for seed in range(5)]
    assert all(len(sample) == 20 for sample in samples)
    assert select(items, 20, 0) == samples[0]
    assert len({tuple(item.item_id for item in sample) for sample in samples}) == 5


def test_a_sample_is_of_all_places() -> None:
    drawn = [int(item.item_id[1:]) for seed in range(50) for item in select(items_of(100), 10, seed)]
    assert 40 < sum(drawn) / len(drawn) < 60


def test_a_suite_that_grows_keeps_most_of_its_sample() -> None:
    before, after = ({i.item_id for i in select(items_of(n), 50, 1)} for n in (200, 220))
    assert len(before & after) >= 40


@given(st.lists(st.integers(1, 5), max_size=30), st.integers(5, 40), st.integers(0, 3))
def test_a_sample_is_of_whole_clusters(sizes: list[int], limit: int, seed: int) -> None:
    items = clustered(sizes)
    sample = select(items, limit, seed)
    assert len(sample) <= limit
    assert sample == [item for item in items if item in sample], "in the order of the items"
    counts = Counter(item.item_id.split("-")[0] for item in sample)
    assert all(counts[c] == sizes[int(c)] for c in counts)
    assert len(sample) > min(limit, len(items)) - 5, "what is left of the limit has no room for a cluster"


@pytest.mark.parametrize(("limit", "seed"), [(0, None), (-1, 1), (1, 1)])
def test_a_selection_that_would_be_empty_is_refused(limit: int, seed: int | None) -> None:
    with pytest.raises(InputError, match="limit"):
        select(clustered([3, 2]), limit, seed)
