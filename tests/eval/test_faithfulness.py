"""The scripted model that makes false a share of what it writes, and what is shown of it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from eval import faithfulness, paraphrases
from eval.faithfulness import Measured, measure, questions
from eval.lying import KINDS
from eval.paraphrases import Paraphrases
from eval.rewordings import other_names
from rag.language.lexicon import Lexicon
from rag.settings import Settings

LABELLED = "US label: argatroban is contraindicated in patients with major bleeding; its half-life is about 45 min."
GUIDELINE = {"kind": "guideline", "body": "American Society of Hematology", "year": 2018}


@pytest.fixture(scope="module")
def measured(starter_index: Path) -> Measured:
    return measure(Settings(index_dir=starter_index), questions("development", 5), 5, at_least=30)


def test_a_share_is_altered_and_none_of_it_is_shown(measured: Measured) -> None:
    first = measured.first
    false = [s for s in first if s.written.altered]
    assert 30 <= len(first) < 80
    assert 0.1 < len(false) / len(first) < 0.6
    assert {s.written.altered for s in false} <= set(KINDS)
    assert not any(s.is_shown for s in measured.statements if s.written.altered)


def test_what_is_refused_is_written_again(measured: Measured) -> None:
    refused = {s.key for s in measured.first if not s.is_shown}
    assert measured.again
    assert measured.again.keys() <= refused
    assert any(s.is_shown for s in measured.again.values())


def test_true_statements_are_shown_and_timed(measured: Measured) -> None:
    true = [s for s in measured.first if not s.written.altered]
    assert sum(s.is_shown for s in true) > 0.8 * len(true)
    assert all(s.after_s > 0 for s in measured.statements if s.after_s is not None)
    assert len(measured.checks) == len(measured.statements)


def test_the_same_seed_writes_the_same(measured: Measured, starter_index: Path) -> None:
    again = measure(Settings(index_dir=starter_index), questions("development", 5), 5, at_least=1)
    assert [s.written for s in again.first] == [s.written for s in measured.first][: len(again.first)]


def test_the_halves_share_no_question() -> None:
    development, report = questions("development", 1), questions("report", 1)
    assert len(development) > 50
    assert len(report) > 50
    assert not set(development) & set(report)
    assert questions("report", 1) != questions("report", 2)


def test_the_command_prints_what_was_caught_lost_and_added(
    starter_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--half", "development", "--seed", "6", "--statements", "5", "--tokens-per-second", "0", "--show"]
    given += ["--index", str(starter_index)]
    assert faithfulness.main(given) == 0
    printed = capsys.readouterr().out
    for words in ("statements", "Altered", "citation", "True", "lost at first", "Time", "p95"):
        assert words in printed


@pytest.mark.slow
def test_what_is_altered_is_caught_and_what_is_true_is_not_lost(starter_index: Path) -> None:
    """Over 500 statements: 99 % of the altered ones are caught, and 3 % of the true ones are lost at most."""
    found = measure(Settings(index_dir=starter_index), questions("report", 11), 11, at_least=500)
    false = [s for s in found.first if s.written.altered]
    true = [s for s in found.first if not s.written.altered]
    assert len(false) > 100
    assert sum(s.is_shown for s in false) <= 0.01 * len(false)
    lost = [s for s in true if not s.is_shown]
    assert len(lost) <= 0.03 * len(true)


def test_a_quote_is_said_in_several_ways() -> None:
    lexicon = Lexicon.load()
    found = Paraphrases(lexicon, other_names(lexicon), Random(1)).of(LABELLED, [GUIDELINE])
    assert {"label", "words", "several"} <= {f.kind for f in found}
    assert all(f.text != LABELLED for f in found)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("ASH 2018 suggests argatroban.", "The ASH guideline of 2018 suggests argatroban."),
        ("ASH 2018: in suspected HIT stop heparin.", "According to ASH 2018, in suspected HIT stop heparin."),
        ("Argatroban is given.", None),
    ],
)
def test_its_own_label_becomes_a_lead_in(quote: str, text: str | None) -> None:
    assert paraphrases.label(quote) == text


def test_its_source_is_named_where_it_does_not_name_it_itself() -> None:
    lead_in = "According to a 2018 guideline of the American Society of Hematology, argatroban is given."
    assert paraphrases.named("Argatroban is given.", [GUIDELINE]) == lead_in
    assert paraphrases.named(LABELLED, [GUIDELINE]) is None
    assert paraphrases.named("Argatroban is given.", [GUIDELINE, GUIDELINE]) is None


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("It rose (Morgan 2020) in all.", "It rose in all."),
        ("Low-molecular-weight heparin (LMWH) is given.", "Low-molecular-weight heparin is given."),
        ("Bleeding from 1% (DOAC) to 14%.", None),
        ("Heparin (in HIT) is stopped.", None),
    ],
)
def test_only_what_names_is_left_out(quote: str, text: str | None) -> None:
    assert paraphrases.parenthesis(quote) == text


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("A first clause that is long enough to stand alone is kept; another one is left out.",
         "A first clause that is long enough to stand alone is kept."),
        ("A first clause that is long enough to stand alone is kept; but not in children.", None),
    ],
)  # fmt: skip
def test_a_last_clause_that_limits_stays(quote: str, text: str | None) -> None:
    assert paraphrases.first_clause(quote) == text


def test_a_phrase_may_stand_last() -> None:
    quote = "In acute isolated HIT, ASH 2018 suggests ultrasonography of both legs."
    assert paraphrases.reordered(quote) == "ASH 2018 suggests ultrasonography of both legs in acute isolated HIT."
