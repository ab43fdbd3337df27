"""What an edit changed, by words."""

from __future__ import annotations

import pytest

from api.page.changes import Change, changes

BEFORE = "Start argatroban at 2 mcg/kg/min."


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (BEFORE, [Change(kept=BEFORE)]),
        ("Start  argatroban\nat 2 mcg/kg/min.", [Change(kept="Start  argatroban\nat 2 mcg/kg/min.")]),
        (
            "Start argatroban at 0.5 mcg/kg/min.",
            [Change(kept="Start argatroban at "), Change(out="2 ", put="0.5 "), Change(kept="mcg/kg/min.")],
        ),
        ("Start argatroban.", [Change(kept="Start "), Change(out="argatroban at 2 mcg/kg/min.", put="argatroban.")]),
        (f"Do not. {BEFORE}", [Change(put="Do not. "), Change(kept=BEFORE)]),
        ("", [Change(out=BEFORE)]),
    ],
    ids=["nothing", "blanks", "a_figure", "an_end", "a_beginning", "all"],
)
def test_what_was_taken_out_and_put_in(after: str, found: list[Change]) -> None:
    assert list(changes(BEFORE, after)) == found


def test_nothing_in_place_of_nothing() -> None:
    assert list(changes("", "")) == []
