"""The page in a browser: asking, watching the answer come, reading it, asking on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browsing import QUESTION, SHORT, Troubles, Valve, Windows, answered, ask, kept, numbers
from playwright.sync_api import Page, expect
from proxies import proxy
from under_load import served

from rag.domain import EvidenceType, Outcome

STEPS = [
    "Reading the question", "Searching the sources", "Choosing sentences", "Writing the article",
    "Checking every sentence against its quote",
]  # fmt: skip


def test_a_question_is_answered(page: Page) -> None:
    turn = ask(page, SHORT)
    answer = kept(page, turn)
    expect(turn.get_by_role("heading", level=1)).to_have_text(answer.title)
    expect(turn.locator(".bottom-line .statement").first).to_contain_text(answer.bottom_line[0].shown)
    assert turn.locator(".statement").count() >= len(list(answer.statements()))


@pytest.mark.slow
def test_the_reference_question_streams_in(windows: Windows, starter_index: Path, tmp_path: Path) -> None:
    valve = Valve(-1)
    # Of a service of its own, which has not answered it yet.
    with served(starter_index, tmp_path / "osler.sqlite") as (address, _), proxy(address, valve) as slow:
        page = windows.open(base_url=slow)
        page.locator("#question").fill(QUESTION)
        page.evaluate("window.shifts.length = 0")
        page.locator("#question").press("Enter")
        page.wait_for_timeout(600)  # what moves within half a second of a key is what the key has moved
        expect(page.locator("#status")).to_have_text(re.compile(f"Sending the question|{STEPS[0]}"))
        expect(page.get_by_role("button", name="Stop")).to_be_in_viewport()
        valve.open()
        turn = answered(page)
        answer = kept(page, turn)
    headings = turn.get_by_role("heading", level=2).all_inner_texts()
    assert headings[0].casefold() == "bottom line"
    counts = page.evaluate("window.headings")
    assert counts[counts.index(1) :] == [*range(1, len(headings) + 1)], "it came at once, not as a stream"
    assert page.evaluate("window.said")[1:] == STEPS
    shifts = page.evaluate("window.shifts")
    assert [where for _, is_read, where in shifts if is_read] == [], "what is read has moved"
    assert sum(much for much, _, _ in shifts) < 0.1, "more than what https://web.dev/articles/cls calls good"
    expect(page.locator("#status")).to_have_text("")
    expect(page).to_have_title(f"{answer.title} · Osler")
    expect(page).to_have_url(re.compile(r"/conversations/c[0-9a-f]+#turn-1$"))
    title = turn.get_by_role("heading", level=1)
    expect(title).to_be_focused()
    expect(title).to_be_in_viewport()


@pytest.mark.slow
def test_the_box_is_usable_after(page: Page) -> None:
    turn = ask(page, QUESTION)
    expect(page.locator("#question")).to_have_value("")
    expect(page.locator("#question")).to_be_in_viewport()
    first = kept(page, turn)
    second = kept(page, ask(page, "And in Child-Pugh C?", 2))
    assert second.follow_up
    assert second.follow_up.asked == "And in Child-Pugh C?"
    known = {r.source_id: r.number for r in first.references}
    assert {r.source_id: known.get(r.source_id, r.number) for r in second.references} == {
        r.source_id: r.number for r in second.references
    }
    assert numbers(page.locator("#turn-2")) == {n for s in second.statements() for n in s.citations}


@pytest.mark.slow
def test_a_citation_opens_its_quote_under_the_line(page: Page) -> None:
    turn = ask(page, QUESTION)
    cite = turn.locator(".bottom-line a.cite").first
    expect(cite).to_have_text("[1]")
    cite.click()
    quote = turn.locator(".statement + .quote")
    evidence = kept(page, turn).bottom_line[0].evidence[0]
    expect(quote.locator("mark").first).to_be_visible()
    shown = " ".join(quote.locator("mark").all_inner_texts())
    assert " ".join(shown.split()) == " ".join(evidence.quote.split())
    expect(cite).to_be_in_viewport()
    expect(quote.locator("mark").first).to_be_in_viewport()
    expect(cite).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(quote).to_have_count(0)
    expect(cite).to_be_focused()


@pytest.mark.slow
def test_a_source_shows_what_rests_on_it(page: Page) -> None:
    turn = ask(page, QUESTION)
    reference = turn.locator(".references li[data-source]").first
    reference.hover()
    rests = turn.locator(".statement.rests")
    number = reference.get_attribute("data-source")
    assert rests.count() == turn.locator(f'.statement[data-sources~="{number}"]').count() > 0
    page.mouse.move(0, 0)
    expect(rests).to_have_count(0)


@pytest.mark.slow
def test_each_audience_has_its_answer(page: Page) -> None:
    page.get_by_label("patient", exact=True).check()
    turn = ask(page, "How is argatroban dosed in Child-Pugh C?")
    answer = kept(page, turn)
    assert answer.audience == "patient"
    expect(turn.get_by_role("heading", name="What this version leaves out")).to_be_visible()
    page.locator("#question").focus()
    page.get_by_label("trainee", exact=True).check()
    assert kept(page, ask(page, "How is it monitored?", 2)).audience == "trainee"


@pytest.mark.slow
def test_a_related_question_is_a_link(page: Page) -> None:
    turn = ask(page, QUESTION)
    related = kept(page, turn).related_questions[0]
    turn.get_by_role("button", name=related, exact=True).click()
    second = kept(page, answered(page, 2))
    assert second.follow_up
    assert second.follow_up.asked == related
    expect(page.locator("#turn-2 h1")).to_be_in_viewport()


@pytest.mark.slow
def test_only_sources_that_are_wanted_are_cited(page: Page) -> None:
    page.locator(".panel summary", has_text="Sources").click()
    page.get_by_label("From year").fill("2018")
    page.get_by_label("guideline", exact=True).check()
    turn = ask(page, QUESTION)
    references = kept(page, turn).references
    assert references
    assert {r.evidence_type for r in references} == {EvidenceType.GUIDELINE}
    assert all(r.year and r.year >= 2018 for r in references)
    expect(turn.locator(".references li[data-source]")).to_have_count(len(references))


@pytest.mark.slow
def test_the_patient_is_part_of_the_question(page: Page) -> None:
    page.locator(".panel summary", has_text="Patient").click()
    page.get_by_label("Age").fill("67")
    page.get_by_label("Sex").select_option("woman")
    page.locator("[name=creatinine]").fill("2.1")
    page.get_by_label("Child-Pugh class").select_option("C")
    turn = ask(page, "How is argatroban dosed in HIT?")
    expect(turn.locator(".asked")).to_contain_text("67-year-old woman, creatinine 2.1 mg/dL, Child-Pugh C.")
    expect(page.locator("[name=age]")).to_have_value("")
    expect(page.locator(".panel[open]")).to_have_count(0)


@pytest.mark.slow
def test_what_is_missing_is_filled_in(page: Page, troubles: Troubles) -> None:
    turn = ask(page, QUESTION)
    variable = "Child-Pugh class"
    form = turn.locator("form", has=page.locator(f'[value="{variable}"]'))
    form.get_by_role("button", name="C", exact=True).click()
    second = answered(page, 2)
    expect(second.locator(".asked")).to_contain_text("Patient: Child-Pugh class C.")
    assert variable not in [n.variable for n in kept(page, second).needed]
    field = second.locator(".fill").get_by_label("body weight")
    troubles.expect("status of 422")
    field.fill("heavy")
    field.press("Enter")
    expect(field).to_have_accessible_description("Expected a figure, in kg")
    expect(field).to_be_focused()
    field.fill("80")
    field.press("Enter")
    third = answered(page, 3)
    expect(third.locator(".asked")).to_contain_text("Patient: body weight 80 kg.")
    assert "body weight" not in [n.variable for n in kept(page, third).needed]


@pytest.mark.slow
def test_what_is_not_known_is_not_answered(page: Page) -> None:
    turn = ask(page, "How is a fractured scaphoid immobilised?")
    answer = kept(page, turn)
    assert (answer.outcome, turn.locator(".bottom-line").count()) == (Outcome.ABSTAINED, 0)
    expect(turn.locator(".reason")).to_have_text(answer.reason or "")


@pytest.mark.slow
def test_references_are_copied_and_downloaded(windows: Windows) -> None:
    page = windows.open(permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, SHORT)
    turn.get_by_role("button", name="Copy").click()
    expect(turn.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert all(r.title in copied for r in kept(page, turn).references)
    for form in ("RIS", "BibTeX", "CSL-JSON", "Vancouver"):
        with page.expect_download() as download:
            turn.get_by_role("link", name=form, exact=True).click()
        assert download.value.path().stat().st_size > 100


@pytest.mark.slow
def test_a_statement_is_reviewed(page: Page) -> None:
    turn = ask(page, SHORT)
    statement = kept(page, turn).bottom_line[0]
    turn.get_by_role("link", name="Review", exact=True).click()
    row = page.locator(".desk > li", has=page.locator(f"#{statement.statement_id}"))
    page.get_by_label("Reviewing as").fill("Ward pharmacist")
    page.get_by_role("button", name="Change").click()
    for step, state in (("Submit for review", "Submitted"), ("Start the review", "Under review")):
        row.get_by_role("button", name=step).click()
        expect(row.locator(".state")).to_have_text(state)
    row.locator("summary", has_text="Edit").click()
    row.get_by_label("New words").fill(statement.text.replace("1.5-3 times", "15-30 times"))
    row.get_by_role("button", name="Edit").click()
    expect(row.locator(".checked")).to_contain_text("contradicted")
    expect(row.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("link", name="All reviews").click()
    queued = page.get_by_role("listitem").filter(has_text="Ward pharmacist")
    expect(queued.get_by_role("link")).to_have_attribute("href", re.compile(f"review#{statement.statement_id}$"))


@pytest.mark.slow
def test_on_a_phone_a_desk_is_folded(windows: Windows, page: Page) -> None:
    turn = ask(page, "How is argatroban dosed in critical illness?")  # reviewed nowhere else
    statements = {s.statement_id for s in kept(page, turn).statements()}
    address = turn.get_by_role("link", name="Review", exact=True).get_attribute("href")
    phone = windows.open(address, width=390, height=844, java_script_enabled=False)
    assert phone.evaluate("document.documentElement.scrollHeight") < 130 * len(statements) + 1500
    rows = phone.locator(".desk > li")
    expect(rows).to_have_count(len(statements))
    expect(rows.locator("blockquote:visible")).to_have_count(0)
    rows.nth(1).locator("summary").first.click()
    rows.nth(1).get_by_role("button", name="Submit for review").click()
    expect(rows.nth(1).locator("summary").first).to_contain_text("2 · Submitted")
    expect(rows.nth(1).locator("blockquote").first).to_be_visible()  # where the step was taken it is open
    expect(rows.locator("details[open] > summary.statement")).to_have_count(1)
    page.goto(address or "")
    expect(page.locator(".desk blockquote").first).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no_scripts"])
def test_a_reader_is_thanked(windows: Windows, page: Page, has_scripts: bool) -> None:
    answer = kept(page, ask(page, SHORT))
    page = windows.open(f"/answers/{answer.answer_id}", java_script_enabled=has_scripts)
    form = page.locator("form.feedback")
    form.locator("summary").click()
    form.get_by_label("Comment").fill("The dose is missing.")
    form.get_by_role("button", name="Not helpful").click()
    expect(page.get_by_text("Thank you").first).to_be_visible()
    assert page.url.endswith("/feedback") is not has_scripts
    page.goto(f"/answers/{answer.answer_id}/review")
    expect(page.get_by_text("The dose is missing.").first).to_be_visible()
