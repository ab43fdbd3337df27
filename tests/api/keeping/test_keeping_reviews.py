"""Reviews: which step may follow which, what is kept of them, and what they lead to."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from builders import SOURCES, make_abstained, make_answer
from keeping_doubles import Opener, SetClock
from sqlalchemy import select

from api.keeping import tables
from api.keeping.keeping import Keeping
from api.keeping.standing import Action, Reason, Standing, State, allowed
from rag.domain import Review
from rag.errors import ConflictError, InputError, NotFoundError

ANSWER = make_answer()
FIRST, SECOND = (s.statement_id for s in ANSWER.statements()[:2])
SUPPORTED, UNSUPPORTED = {"verdict": "supported", "support": 0.98}, {"verdict": "unsupported", "reason": "number"}
WARD, CHIEF = "Ward 3", "Chief"


@pytest.fixture
def reviewed(keeping: Keeping) -> Keeping:
    """A store in which the answer is under review."""
    keeping.answers.add(ANSWER)
    keeping.reviews.submit("a-1", WARD)
    keeping.reviews.start("a-1", CHIEF)
    return keeping


def test_what_nobody_submitted_shows_that_nobody_reviewed_it(keeping: Keeping) -> None:
    keeping.answers.add(ANSWER)
    assert keeping.reviews.status("a-1") == Review()
    assert keeping.reviews.history("a-1") == []
    with pytest.raises(NotFoundError):
        keeping.reviews.status("a-0")


def test_a_review_from_beginning_to_end(keeping: Keeping, clock: SetClock) -> None:
    keeping.answers.add(ANSWER)
    keeping.reviews.submit("a-1", WARD, comment="Please look at the dose.")
    assert keeping.reviews.status("a-1") == Review(status="submitted", updated=clock().isoformat())
    clock.move(hours=1)
    keeping.reviews.start("a-1", CHIEF)
    assert keeping.reviews.status("a-1").status == "under_review"
    keeping.reviews.comment("a-1", CHIEF, "The label differs.", statement_id=FIRST)
    clock.move(hours=1)
    last = keeping.reviews.approve("a-1", CHIEF)
    assert keeping.reviews.status("a-1") == Review(status="approved", updated=clock().isoformat())
    history = keeping.reviews.history("a-1")
    assert [(e.number, e.action, e.reviewer) for e in history] == [
        (1, Action.SUBMIT, WARD),
        (2, Action.START, CHIEF),
        (3, Action.COMMENT, CHIEF),
        (4, Action.APPROVE, CHIEF),
    ]
    assert history[-1] == last
    assert (history[0].comment, history[2].statement_id, last.reason) == (
        "Please look at the dose.",
        FIRST,
        Reason.ACCURATE,
    )


Step = Callable[[Keeping], object]
STEPS: dict[Action, Step] = {
    Action.SUBMIT: lambda k: k.reviews.submit("a-1", WARD),
    Action.START: lambda k: k.reviews.start("a-1", WARD),
    Action.COMMENT: lambda k: k.reviews.comment("a-1", WARD, "Well."),
    Action.APPROVE: lambda k: k.reviews.approve("a-1", WARD),
    Action.REJECT: lambda k: k.reviews.reject("a-1", WARD, reason="unsafe"),
    Action.STALE: lambda k: k.reviews.stale("a-1", reason="replay_differs"),
}
WAYS: dict[State, list[Action]] = {
    State.UNSUBMITTED: [],
    State.SUBMITTED: [Action.SUBMIT],
    State.UNDER_REVIEW: [Action.SUBMIT, Action.START],
    State.APPROVED: [Action.SUBMIT, Action.START, Action.APPROVE],
    State.REJECTED: [Action.SUBMIT, Action.START, Action.REJECT],
    State.STALE: [Action.SUBMIT, Action.START, Action.APPROVE, Action.STALE],
}
MAY = {
    State.UNSUBMITTED: {Action.SUBMIT},
    State.SUBMITTED: {Action.START, Action.COMMENT},
    State.UNDER_REVIEW: {Action.COMMENT, Action.APPROVE, Action.REJECT},
    State.APPROVED: {Action.SUBMIT, Action.COMMENT, Action.STALE},
    State.REJECTED: {Action.SUBMIT, Action.COMMENT},
    State.STALE: {Action.SUBMIT, Action.COMMENT},
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", STEPS)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_only_some_steps_may_follow(keeping: Keeping, state: State, action: Action) -> None:
    keeping.answers.add(ANSWER)
    for step in WAYS[state]:
        STEPS[step](keeping)
    before = keeping.reviews.history("a-1")
    assert keeping.reviews.standing("a-1").state is state
    if action in MAY[state]:
        STEPS[action](keeping)
        assert len(keeping.reviews.history("a-1")) == len(before) + 1
        return
    with pytest.raises(ConflictError) as refused:
        STEPS[action](keeping)
    assert str(refused.value).endswith("expected " + ", ".join(sorted(MAY[state])))
    assert keeping.reviews.history("a-1") == before


def test_a_reason_is_one_of_a_closed_list(reviewed: Keeping) -> None:
    with pytest.raises(InputError, match=r"reason 'because': expected one of incomplete, "):
        reviewed.reviews.reject("a-1", CHIEF, reason="because")
    with pytest.raises(InputError, match=r"reason 'unsafe': expected one of accurate, accurate_as_edited"):
        reviewed.reviews.approve("a-1", CHIEF, reason="unsafe")


def test_a_statement_is_decided_by_itself(reviewed: Keeping) -> None:
    reviewed.reviews.reject("a-1", CHIEF, statement_id=FIRST, reason="outdated")
    now = reviewed.reviews.standing("a-1")
    assert (now.of(FIRST), now.of(SECOND), now.of(None)) == (State.REJECTED, State.UNDER_REVIEW, State.UNDER_REVIEW)
    with pytest.raises(ConflictError, match=rf"{FIRST} rejected; expected each statement approved"):
        reviewed.reviews.approve("a-1", CHIEF)
    reviewed.reviews.edit("a-1", FIRST, CHIEF, "Other words.", SUPPORTED)
    assert reviewed.reviews.standing("a-1").of(FIRST) is State.UNDER_REVIEW
    reviewed.reviews.approve("a-1", CHIEF, statement_id=FIRST, reason="accurate_as_edited")
    reviewed.reviews.approve("a-1", CHIEF)
    now = reviewed.reviews.standing("a-1")
    assert {now.of(None), now.of(FIRST), now.of(SECOND)} == {State.APPROVED}
    assert (now.edits[FIRST].text, now.edits[FIRST].verification) == ("Other words.", SUPPORTED)


def test_words_that_nothing_supports_are_not_approved(reviewed: Keeping) -> None:
    reviewed.reviews.edit("a-1", FIRST, CHIEF, "IVIG is given at 10 g/kg.", UNSUPPORTED)
    for statement_id in (FIRST, None):
        with pytest.raises(ConflictError, match=rf"edited words of {FIRST} are not supported"):
            reviewed.reviews.approve("a-1", CHIEF, statement_id=statement_id)
    reviewed.reviews.edit("a-1", FIRST, CHIEF, "IVIG is given at 1 g/kg.", SUPPORTED)
    assert reviewed.reviews.approve("a-1", CHIEF).action is Action.APPROVE
    assert [e.text for e in reviewed.reviews.history("a-1") if e.text] == [
        "IVIG is given at 10 g/kg.",
        "IVIG is given at 1 g/kg.",
    ]


def test_an_edit_says_how_it_was_verified(reviewed: Keeping) -> None:
    with pytest.raises(InputError, match=r"verification: verdict None; expected supported"):
        reviewed.reviews.edit("a-1", FIRST, CHIEF, "Words.", {})
    with pytest.raises(NotFoundError, match=r"statement 's-0': not one of answer a-1"):
        reviewed.reviews.edit("a-1", "s-0", CHIEF, "Words.", SUPPORTED)


def test_a_statement_of_what_is_approved_is_not_opened_alone(reviewed: Keeping) -> None:
    reviewed.reviews.approve("a-1", CHIEF)
    with pytest.raises(ConflictError, match=r"expected comment$"):
        reviewed.reviews.submit("a-1", WARD, statement_id=FIRST)


def test_a_statement_may_be_submitted_without_the_article(keeping: Keeping) -> None:
    keeping.answers.add(ANSWER)
    keeping.reviews.submit("a-1", WARD, statement_id=FIRST)
    now = keeping.reviews.standing("a-1")
    assert (now.of(FIRST), now.of(None)) == (State.SUBMITTED, State.UNSUBMITTED)
    assert keeping.reviews.status("a-1") == Review()


def test_submitting_anew_opens_all_again(reviewed: Keeping) -> None:
    reviewed.reviews.reject("a-1", CHIEF, statement_id=FIRST, reason="wording")
    reviewed.reviews.reject("a-1", CHIEF, reason="incomplete")
    assert reviewed.reviews.status("a-1").reasons == ("incomplete",)
    reviewed.reviews.submit("a-1", WARD)
    assert reviewed.reviews.status("a-1").reasons == ()
    assert reviewed.reviews.standing("a-1").of(FIRST) is State.SUBMITTED


def test_what_is_approved_turns_stale_with_its_sources(reviewed: Keeping) -> None:
    gone = {"cuker2018": "superseded"}
    assert reviewed.reviews.status("a-1", gone.get).status == "under_review", "only what is approved can turn stale"
    reviewed.reviews.approve("a-1", CHIEF)
    assert reviewed.reviews.status("a-1", {"elsewhere": "retracted"}.get).status == "approved"
    assert reviewed.reviews.status("a-1", gone.get).status == "stale"
    assert reviewed.reviews.standing("a-1", gone.get).stale == (("superseded", "cuker2018"),)
    assert reviewed.reviews.status("a-1").status == "approved", "computed, never kept"


def test_what_replays_otherwise_is_stale_until_it_is_approved_again(reviewed: Keeping) -> None:
    reviewed.reviews.approve("a-1", CHIEF)
    event = reviewed.reviews.stale("a-1", reason="replay_differs")
    assert (event.reviewer, event.reason) == ("osler", Reason.REPLAY_DIFFERS)
    assert reviewed.reviews.status("a-1").status == "stale"
    assert reviewed.reviews.standing("a-1").stale == (("replay_differs", None),)
    assert reviewed.reviews.status("a-1").reasons == ("replay_differs",)
    assert reviewed.reviews.standing("a-1", {"cuker2018": "retracted"}.get).stale == (("retracted", "cuker2018"),)
    for step in (reviewed.reviews.submit, reviewed.reviews.start, reviewed.reviews.approve):
        step("a-1", CHIEF)
    assert reviewed.reviews.standing("a-1").stale == ()
    assert reviewed.reviews.status("a-1").status == "approved"


def test_history_stands_in_its_order_whatever_the_clock_says(reviewed: Keeping, clock: SetClock) -> None:
    clock.move(days=-400)
    reviewed.reviews.approve("a-1", CHIEF)
    history = reviewed.reviews.history("a-1")
    assert [e.action for e in history] == [Action.SUBMIT, Action.START, Action.APPROVE]
    assert history[-1].at < history[0].at
    assert reviewed.reviews.status("a-1").status == "approved"


@pytest.fixture
def many(keeping: Keeping) -> Keeping:
    """Twelve answers: the first four submitted, the next four under review, the rest approved."""
    for i in range(12):
        keeping.answers.add(make_answer(answer_id=f"b{i:02}", question=f"Question {i}?"))
        keeping.reviews.submit(f"b{i:02}", WARD)
        if i >= 4:
            keeping.reviews.start(f"b{i:02}", CHIEF)
        if i >= 8:
            keeping.reviews.approve(f"b{i:02}", CHIEF)
    return keeping


def test_the_queue_lists_what_waits_longest_first(many: Keeping) -> None:
    page = many.reviews.queue()
    assert [item.answer_id for item in page.items] == [f"b{i:02}" for i in range(8)]
    assert page.after is None
    first = page.items[0]
    assert (first.status, first.reviewer, first.statement_id, first.question) == (
        State.SUBMITTED,
        WARD,
        None,
        "Question 0?",
    )


def test_the_queue_has_pages(many: Keeping) -> None:
    found, after = [], 0
    for _ in range(3):
        page = many.reviews.queue(limit=3, after=after)
        found += [item.answer_id for item in page.items]
        after = page.after or 0
    assert found == [f"b{i:02}" for i in range(8)]
    assert after == 0
    assert many.reviews.queue(limit=8).after is None, "no page follows that would be empty"


def test_the_queue_by_status(many: Keeping) -> None:
    assert len(many.reviews.queue(["under_review"]).items) == 4
    assert len(many.reviews.queue(["approved", "submitted"]).items) == 8
    assert len(many.reviews.queue(list(State)).items) == 12
    assert many.reviews.queue(["stale"]).items == ()
    stale = many.reviews.queue(["stale"], superseded={SOURCES[1].key: "retracted"}.get)
    assert [(i.answer_id, i.status) for i in stale.items] == [(f"b{i:02}", State.STALE) for i in range(8, 12)]
    assert many.reviews.queue(["approved"], superseded={SOURCES[1].key: "retracted"}.get).items == ()
    with pytest.raises(InputError, match="status 'new': expected one of unsubmitted, "):
        many.reviews.queue(["new"])
    with pytest.raises(InputError, match="limit 101: expected 1 to 100"):
        many.reviews.queue(limit=101)


def test_the_queue_lists_statements_with_a_state_of_their_own(reviewed: Keeping) -> None:
    reviewed.reviews.reject("a-1", CHIEF, statement_id=FIRST, reason="wording")
    reviewed.reviews.edit("a-1", FIRST, CHIEF, "Words.", SUPPORTED)
    items = reviewed.reviews.queue().items
    assert [(i.statement_id, i.status) for i in items] == [(None, State.UNDER_REVIEW), (FIRST, State.UNDER_REVIEW)]
    assert len(reviewed.reviews.queue(articles_only=True).items) == 1
    reviewed.reviews.approve("a-1", CHIEF)
    assert reviewed.reviews.queue().items == (), "approved with the article"


def test_webhooks_are_told_in_the_same_transaction(opener: Opener) -> None:
    keeping = opener()
    keeping.answers.add(ANSWER)
    keeping.answers.add(make_abstained())
    hook, _ = keeping.webhooks.register("https://hospital.example/osler", ["review.submit", "review.approve"])
    keeping.reviews.submit("a-1", WARD, comment="A patient's own words.")
    keeping.reviews.start("a-1", CHIEF)
    with pytest.raises(ConflictError):
        keeping.reviews.submit("a-1", WARD)
    (delivery,) = keeping.webhooks.deliveries(hook.webhook_id)
    assert delivery.event == "review.submit"
    with keeping.database.reading() as db:
        body = json.loads(str(db.scalar(select(tables.deliveries.c.body))))
    assert body["data"]["answer_id"] == "a-1"
    assert body["data"]["status"] == "submitted"
    assert "patient" not in json.dumps(body), "what a person wrote is not sent"


def test_what_may_follow_is_told() -> None:
    assert allowed(Standing()) == {Action.SUBMIT}
    assert allowed(Standing(State.UNDER_REVIEW), FIRST) == {
        Action.COMMENT,
        Action.EDIT,
        Action.APPROVE,
        Action.REJECT,
    }
