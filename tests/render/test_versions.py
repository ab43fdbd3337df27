"""How versions for trainees and patients are shown: plain words, what is left out, terms explained."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest
from builders import make_answer, make_evidence, make_statement
from rich.console import Console

from rag.domain import Answer, Audience, GlossaryEntry, Withheld
from rag.render import words
from rag.render.html import to_html
from rag.render.markdown import to_markdown
from rag.render.text import to_text

TEXT = "Severe thrombocytopenia is uncommon."
PLAIN = "A very low platelet count is uncommon."
DEFINITION = "Argatroban is a direct thrombin inhibitor."


def patient() -> Answer:
    said = make_statement(TEXT, plain=PLAIN)
    rest = {"sections": (), "disagreements": (), "needed": (), "references": make_answer().references[:1]}
    withheld = Withheld(kind="dosing_section", heading="Dosing", statement_ids=("s1", "s2"), why="ask your doctor")
    entry = GlossaryEntry(term="thrombocytopenia", meaning="low platelet count", derived=True)
    own = {"withheld": (withheld,), "glossary": (entry,), "reading_grade": 9.5, "audience": Audience.PATIENT}
    return make_answer(bottom_line=(said,), **own, **rest)


def trainee() -> Answer:
    quoted = make_evidence("label_argatroban_us", DEFINITION, label="G1")
    quoting = {"definition": DEFINITION, "citations": (2,), "evidence": quoted}
    entries = (
        GlossaryEntry(term="HIT", meaning="heparin-induced thrombocytopenia"),
        GlossaryEntry(term="argatroban", meaning="a direct thrombin inhibitor", **quoting),
        GlossaryEntry(term="ARG", meaning="argatroban", **quoting),
    )
    return make_answer(glossary=entries, audience=Audience.TRAINEE)


def rendered(answer: Answer) -> dict[str, str]:
    console = Console(file=io.StringIO(), width=100)
    to_text(answer, console, evidence=True)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    html = unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", to_html(answer), flags=re.DOTALL))
    pages = {"text": text, "markdown": to_markdown(answer), "html": html}
    return {name: re.sub(r"[\s│]+", " ", page).replace("\\", "") for name, page in pages.items()}


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_patients_read_plain_words_and_what_is_left_out(form: str) -> None:
    page = rendered(patient())[form]
    assert PLAIN in page
    assert words.WITHHELD in page
    assert "2 statements: ask your doctor" in page
    assert words.OWN_WORDS in page
    assert words.GLOSSARY not in page
    assert "reading grade 9.5" in page


@pytest.mark.parametrize("form", ["text", "html"])
def test_the_words_that_are_supported_stand_in_the_evidence(form: str) -> None:
    assert TEXT in rendered(patient())[form]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_definitions_are_quoted_with_their_number(form: str) -> None:
    page = rendered(trainee())[form]
    assert "heparin-induced thrombocytopenia" in page
    assert re.search(r"a direct thrombin inhibitor (?:\[|\[\[)2\]", page)
    assert f"argatroban “{DEFINITION}”" in page, "where the meaning is a long form the sentence follows"
    assert words.OWN_WORDS not in page


def test_a_definition_must_be_what_its_evidence_says_and_have_a_number() -> None:
    quoted = make_evidence(quote=DEFINITION)
    with pytest.raises(ValueError, match="not what its evidence says"):
        GlossaryEntry(term="argatroban", meaning="a drug", definition="Another.", citations=(1,), evidence=quoted)
    with pytest.raises(ValueError, match="go together"):
        GlossaryEntry(term="argatroban", meaning="a drug", definition=DEFINITION, evidence=quoted)


def test_references_may_be_cited_by_definitions_alone() -> None:
    answer = trainee()
    statements = {n for s in answer.statements() for n in s.citations}
    assert statements | {n for e in answer.glossary for n in e.citations} == {r.number for r in answer.references}
    with pytest.raises(ValueError, match="do not match"):
        make_answer(glossary=(answer.glossary[1].model_copy(update={"citations": (9,)}),))
