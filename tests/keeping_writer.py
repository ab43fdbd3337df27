"""A process that writes to a store without end, and prints what was acknowledged, a line each: for tests to kill."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from builders import make_answer  # noqa: E402

from api.keeping.conversations import Turn  # noqa: E402
from api.keeping.keeping import Keeping  # noqa: E402


def write(keeping: Keeping, worker: str, number: int, conversation_id: str) -> str:
    """An answer with its turn and its audit entry at once, then a review of it. Returns the answer's id."""
    answer_id = f"a{worker}-{number}"
    with keeping.at_once():
        keeping.answers.add(make_answer(answer_id=answer_id), key_id=worker, conversation_id=conversation_id)
        keeping.conversations.add_turn(conversation_id, Turn(f"{answer_id}?", f"{answer_id}?", answer_id))
        keeping.audit.record("local", "answer.made", answer_id)
    return answer_id


def main(url: str, worker: str, conversation_id: str, count: int) -> None:
    with Keeping.open(url) as keeping:
        for number in range(count):
            answer_id = write(keeping, worker, number, conversation_id)
            print("answer", answer_id, flush=True)
            if number % 3 == 0:
                keeping.reviews.submit(answer_id, worker)
                print("review", answer_id, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
