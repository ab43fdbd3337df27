"""What goes wrong while questions are asked: nothing that was acknowledged is lost, and nothing collapses."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from running import listening, logged, open_service
from under_load import QUESTIONS, ROOT, Numbered, asking, served, until

from api.keeping.keeping import Keeping
from rag.index.build import build
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file

ROUNDS = 20


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(starter_index: Path, tmp_path: Path) -> None:
    database, questions, acknowledged = tmp_path / "osler.sqlite", Numbered(), list[dict[str, Any]]()
    reviewed = list[str]()
    for number in range(ROUNDS):
        with served(starter_index, database) as (address, process):
            ended = threading.Event()
            clients = [
                threading.Thread(target=asking, args=(address, questions, acknowledged, ended)) for _ in range(4)
            ]
            for client in clients:
                client.start()
            enough = len(acknowledged) + 3
            until(lambda enough=enough: len(acknowledged) >= enough)  # type: ignore[misc]
            answer_id = acknowledged[-1]["answer_id"]
            step = httpx2.post(f"{address}/v1/answers/{answer_id}/review", json={"action": "submit"})
            reviewed += [answer_id] if step.status_code == 200 else []
            time.sleep(0.05 * (number % 5))
            process.send_signal(signal.SIGKILL)
            for client in clients:
                client.join()
        with Keeping.open(str(database)) as keeping:
            for answer in acknowledged:
                assert keeping.answers.get(answer["answer_id"]).question == answer["question"]
            for reviewed_id in reviewed:
                assert [e.action for e in keeping.reviews.history(reviewed_id)] == ["submit"]
            assert keeping.audit.verify() is None
    assert len(reviewed) == ROUNDS
    assert len(acknowledged) >= 3 * ROUNDS


@pytest.mark.slow
def test_a_new_snapshot_is_taken_up_under_load(starter_index: Path, tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    shutil.copytree(starter_index, index_dir, symlinks=True)
    documents = [read_file(path) for path in corpus_files([ROOT / "corpus"])]
    service, answered, ended = open_service(index_dir, tmp_path), list[dict[str, Any]](), threading.Event()
    with listening(service) as address:
        questions = Numbered()
        clients = [threading.Thread(target=asking, args=(address, questions, answered, ended)) for _ in range(4)]
        for client in clients:
            client.start()
        published = [service.serving.snapshot_id]
        for kept in (documents[:-5], documents):
            build(kept, index_dir)
            published.append(service.serving.published())
            enough = len(answered) + 8
            until(lambda enough=enough: len(answered) >= enough)  # type: ignore[misc]
        ended.set()
        for client in clients:
            client.join()
    used = [snapshot for snapshot, _ in itertools.groupby(a["receipt"]["snapshot_id"] for a in answered)]
    assert set(used) == set(published)
    assert published[0] == published[2] != published[1]
    lines = [line for line in logged(service) if line["event"] == "request"]
    assert {line["status"] for line in lines} == {200}
    assert len(lines) == len(answered)


@pytest.mark.slow
def test_a_full_queue_refuses_fast_and_goes_on(starter_index: Path, tmp_path: Path) -> None:
    service, questions = open_service(starter_index, tmp_path, threads=1, queue=2), Numbered()
    seen, lock, end = list[tuple[int, float]](), threading.Lock(), time.monotonic() + 5

    def run(address: str) -> None:
        with httpx2.Client(base_url=address, timeout=30) as client:
            while time.monotonic() < end:
                with lock:
                    question = next(questions)
                begun = time.perf_counter()
                given = client.post("/v1/answers", json={"question": question})
                with lock:
                    seen.append((given.status_code, time.perf_counter() - begun))
                if given.status_code == 503:
                    assert given.json()["type"] == "urn:osler:problem:busy"
                    assert int(given.headers["Retry-After"]) >= 1
                    time.sleep(0.05)

    with listening(service) as address:
        clients = [threading.Thread(target=run, args=(address,)) for _ in range(24)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert service.work.admitted == 0
        assert httpx2.post(f"{address}/v1/answers", json={"question": QUESTIONS[0]}, timeout=30).status_code == 200
    counts = Counter(status for status, _ in seen)
    assert set(counts) == {200, 503}
    refused = sorted(seconds for status, seconds in seen if status == 503)
    answered = sorted(seconds for status, seconds in seen if status == 200)
    assert counts[200] > 10
    assert refused[len(refused) // 2] < answered[len(answered) // 2] / 2
    assert answered[-1] < 10, "who is let in waits for three at most"


@pytest.mark.slow
def test_workers_share_what_is_kept_and_what_is_counted(starter_index: Path, tmp_path: Path) -> None:
    with served(starter_index, tmp_path / "osler.sqlite", "--workers", "2") as (address, _):
        begun = httpx2.post(f"{address}/v1/conversations").json()["conversation_id"]
        asked = 12
        for number in range(asked):  # each over a connection of its own, so that both workers are asked
            body = {"question": QUESTIONS[number % 3], "conversation_id": begun}
            given = httpx2.post(f"{address}/v1/answers", json=body, timeout=30)
            assert given.status_code == 200
            assert given.json()["turn"]["number"] == number + 1
        totals = [
            sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("osler_answers_total"))
            for text in (httpx2.get(f"{address}/metrics").text for _ in range(4))
        ]
        assert totals == [asked] * 4
        with httpx2.Client(base_url=address) as client:
            seconds = sorted(client.get("/healthz").elapsed.total_seconds() for _ in range(40))
        assert seconds[20] < 0.035, "a body does not wait for a receipt of its headers, which takes 40 ms"


def test_a_public_address_is_refused_at_the_command_line(starter_index: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "serve", "--host", "0.0.0.0", "--index", str(starter_index)]
    command += ["--database", str(tmp_path / "osler.sqlite")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("osler: host 0.0.0.0: others may reach it, and there is no API key")
    assert len(done.stderr.splitlines()) == 1
    assert json.dumps(done.stdout) == '""'
