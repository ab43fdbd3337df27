"""The evaluation harness hears from a running service what it hears from the library, in conversations too."""

from __future__ import annotations

from running import listening

from api.client import Client
from api.http.service import Service
from eval.domain import Item, Turn
from eval.systems.http import HttpOsler
from eval.systems.osler import OslerSystem
from rag.pipeline import Pipeline

ALONE = Item(item_id="alone", question="How is argatroban monitored?")
FOLLOWING = Item(
    item_id="following",
    question="And on dialysis?",
    history=(
        Turn(role="user", text="Thanks for coming."),
        Turn(role="user", text="How is bivalirudin dosed in HIT?"),
        Turn(role="assistant", text="By creatinine clearance."),
    ),
)


def test_questions_and_follow_ups_are_answered_alike(service: Service, pipeline: Pipeline) -> None:
    with listening(service) as address:
        system = HttpOsler(Client(address))
        for item in (ALONE, FOLLOWING):
            served, own = system.respond(item), OslerSystem(pipeline).respond(item)
            assert served.error is None
            assert served.article is not None
            assert own.article is not None
            assert [s.text for s in served.article.bottom_line] == [s.text for s in own.article.bottom_line]
        system.close()
