"""Few questions at once, few that wait, each once, none for nobody."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from api.http.problems import BUSY, LATE, ProblemError
from api.http.work import Work
from rag.pipeline import Watch


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work(threads=2, queue=3, timeout_s=5)
    yield made
    made.close()


class Gate:
    """A job that waits until it is let go, and counts how often it was begun and finished."""

    def __init__(self, value: str = "done") -> None:
        self.value = value
        self.begun = self.finished = 0
        self.open = threading.Event()

    def __call__(self, watch: Watch) -> str:
        self.begun += 1
        watch("first")
        assert self.open.wait(5)
        watch("second")
        self.finished += 1
        return self.value


async def until(condition: object) -> None:
    """Lets the loop run until a condition holds."""
    assert callable(condition)
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never became so")


def test_the_same_work_is_done_once_for_all(work: Work) -> None:
    async def main() -> None:
        gate = Gate()
        running = [asyncio.ensure_future(work.run("key", gate)) for _ in range(50)]
        await until(lambda: gate.begun)
        assert work.admitted == 1
        gate.open.set()
        assert await asyncio.gather(*running) == ["done"] * 50
        assert (gate.begun, gate.finished) == (1, 1)
        assert await work.run("key", gate) == "done"
        assert gate.begun == 2, "what is over is not given again"

    asyncio.run(main())


def test_a_full_queue_refuses_at_once(work: Work) -> None:
    async def main() -> None:
        gates = [Gate(str(i)) for i in range(5)]
        running = [asyncio.ensure_future(work.run(i, gate)) for i, gate in enumerate(gates)]
        await until(lambda: gates[1].begun)
        assert (work.admitted, work.waiting) == (5, 3)
        begun = time.perf_counter()
        with pytest.raises(ProblemError) as refused:
            await work.run("one more", Gate())
        assert time.perf_counter() - begun < 0.05
        assert refused.value.kind is BUSY
        assert refused.value.headers is not None
        assert int(refused.value.headers["Retry-After"]) >= 1
        again = asyncio.ensure_future(work.run(0, gates[0]))  # who asks the same as another is no more work
        for gate in gates:
            gate.open.set()
        assert await asyncio.gather(*running) == ["0", "1", "2", "3", "4"]
        assert await again == "0"
        await until(lambda: work.admitted == 0)

    asyncio.run(main())


def test_work_that_nobody_waits_for_ends_at_its_next_step(work: Work) -> None:
    async def main() -> None:
        gate = Gate()
        first, second = (asyncio.ensure_future(work.run("key", gate)) for _ in range(2))
        await until(lambda: gate.begun)
        first.cancel()
        await asyncio.sleep(0.02)
        gate.open.set()
        assert await second == "done", "one of two has left: the other is answered"
        gate = Gate()
        alone = asyncio.ensure_future(work.run("key", gate))
        await until(lambda: gate.begun)
        alone.cancel()
        await asyncio.sleep(0.02)
        gate.open.set()
        await until(lambda: work.admitted == 0)
        assert gate.finished == 0

    asyncio.run(main())


def test_what_waits_for_nobody_is_never_begun(work: Work) -> None:
    async def main() -> None:
        busy = [Gate(), Gate()]
        running = [asyncio.ensure_future(work.run(i, gate)) for i, gate in enumerate(busy)]
        await until(lambda: busy[0].begun and busy[1].begun)
        queued = Gate()
        left = asyncio.ensure_future(work.run("queued", queued))
        await until(lambda: work.admitted == 3)
        left.cancel()
        await until(lambda: work.admitted == 2)
        for gate in busy:
            gate.open.set()
        await asyncio.gather(*running)
        assert queued.begun == 0

    asyncio.run(main())


def test_steps_are_told_to_all_who_listen(work: Work) -> None:
    async def main() -> None:
        gate, heard = Gate(), [[], []]
        gate.open.set()
        await asyncio.gather(*(work.run("key", gate, steps.append) for steps in heard))
        assert heard == [["accepted", "start", "first", "second"]] * 2

    asyncio.run(main())


def test_what_takes_too_long_is_given_up() -> None:
    async def main() -> None:
        work, gate = Work(threads=1, queue=1, timeout_s=0.05), Gate()
        with pytest.raises(ProblemError) as late:
            await work.run("key", gate)
        assert late.value.kind is LATE
        gate.open.set()
        await until(lambda: work.admitted == 0)
        assert gate.finished == 0
        work.close()

    asyncio.run(main())


def test_errors_reach_all_who_wait(work: Work) -> None:
    async def main() -> None:
        def broken(_: Watch) -> str:
            raise ValueError("no")

        found = await asyncio.gather(*(work.run("key", broken) for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in found] == ["no"] * 3

    asyncio.run(main())
