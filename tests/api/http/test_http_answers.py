"""``/v1/answers``: what is answered over HTTP is what the pipeline answers, and it can be read again in every form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running import client_of, open_service
from starlette.testclient import TestClient

from api.http.service import Service
from rag.answer.replay import content
from rag.domain import Answer, Audience, EvidenceType, Filter
from rag.pipeline import Pipeline

MONITORED = "How is argatroban monitored?"


def ask(client: TestClient, question: str = MONITORED, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    given = client.post("/v1/answers", json={"question": question, **more}, headers=headers)
    assert given.status_code == 200, given.text
    return Answer.model_validate_json(given.text)


@pytest.mark.parametrize("audience", Audience)
def test_an_answer_is_the_pipelines(shared: TestClient, pipeline: Pipeline, audience: Audience) -> None:
    assert content(ask(shared, audience=audience)) == content(pipeline.ask(MONITORED, audience))


def test_a_filter_is_heeded(shared: TestClient, pipeline: Pipeline) -> None:
    within = {"year_from": 2012, "evidence_types": ["guideline", "drug_label"], "jurisdictions": ["US"]}
    made = ask(shared, filter=within)
    assert content(made) == content(pipeline.ask(MONITORED, within=Filter.of(**within)))
    assert {r.evidence_type for r in made.references} <= {EvidenceType.GUIDELINE, EvidenceType.DRUG_LABEL}


def test_the_same_question_is_computed_once_and_given_again(client: TestClient) -> None:
    first, second = ask(client), ask(client, f"  {MONITORED.replace(' ', '  ')} ")
    assert first.model_dump_json() == second.model_dump_json(), "its timings too: nothing was computed"
    again = client.post("/v1/answers", json={"question": MONITORED})
    assert "interpret" not in again.headers["server-timing"]


def test_timings_stand_in_the_header(client: TestClient) -> None:
    given = client.post("/v1/answers", json={"question": MONITORED})
    steps = dict(part.split(";dur=") for part in given.headers["server-timing"].split(", "))
    assert list(steps) == ["interpret", "embed", "retrieve", "select", "premises", "compose", "verify", "total"]
    assert float(steps["total"]) >= sum(float(ms) for name, ms in steps.items() if name != "total") * 0.9


def test_what_cannot_be_answered_is_an_answer(shared: TestClient) -> None:
    assert ask(shared, "What is the capital of France?").outcome == "abstained"
    assert ask(shared, "I want to kill myself").outcome == "redirected"


def test_an_answer_is_read_again(shared: TestClient) -> None:
    made = ask(shared)
    assert Answer.model_validate_json(shared.get(f"/v1/answers/{made.answer_id}").text) == made


@pytest.mark.parametrize(
    ("form", "accept", "media_type", "beginning"),
    [
        ("markdown", "text/markdown", "text/markdown; charset=utf-8", "# "),
        ("html", "text/html, */*;q=0.1", "text/html; charset=utf-8", "<!doctype html>"),
        ("json", "application/json", "application/json", "{"),
    ],
)
def test_forms_of_an_answer(shared: TestClient, form: str, accept: str, media_type: str, beginning: str) -> None:
    address = f"/v1/answers/{ask(shared).answer_id}"
    by_name = shared.get(address, params={"format": form})
    by_header = shared.get(address, headers={"Accept": accept})
    assert by_name.text == by_header.text
    assert by_name.text.startswith(beginning)
    assert by_name.headers["content-type"] == by_header.headers["content-type"] == media_type


def test_the_printable_form_has_its_quotes_unfolded(shared: TestClient) -> None:
    address = f"/v1/answers/{ask(shared).answer_id}"
    page, printable = (shared.get(address, params={"format": f}).text for f in ("html", "printable"))
    assert page != printable == page.replace("<details>", "<details open>")


@pytest.mark.parametrize(
    ("form", "media_type", "mark"),
    [
        ("ris", "application/x-research-info-systems", "TY  - "),
        ("bib", "application/x-bibtex", "@"),
        ("json", "application/vnd.citationstyles.csl+json", "["),
        ("txt", "text/plain; charset=utf-8", "1. "),
    ],
)
def test_references_in_other_forms(shared: TestClient, form: str, media_type: str, mark: str) -> None:
    made = ask(shared)
    given = shared.get(f"/v1/answers/{made.answer_id}/references.{form}")
    assert given.headers["content-type"] == media_type
    assert given.text.lstrip().startswith(mark)
    assert all(r.doi in given.text for r in made.references if r.doi and form != "bib")


def test_receipt(shared: TestClient) -> None:
    made = ask(shared)
    assert shared.get(f"/v1/answers/{made.answer_id}/receipt").json() == made.receipt.model_dump(mode="json")


def test_a_stored_answer_holds(shared: TestClient) -> None:
    made = ask(shared)
    found = shared.post(f"/v1/answers/{made.answer_id}/verify").json()
    assert found["holds"]
    assert [s["statement_id"] for s in found["statements"]] == list({s.statement_id: 0 for s in made.statements()})


@pytest.mark.parametrize("on", ["same", "current"])
def test_a_replay_gives_the_same_bytes(shared: TestClient, on: str) -> None:
    made = ask(shared, "Can fondaparinux be used for HIT when the creatinine clearance is 24?", audience="trainee")
    found = shared.post(f"/v1/answers/{made.answer_id}/replay", params={"on": on}).json()
    assert found["is_same"]
    assert not any(found["difference"].values())
    assert content(Answer.model_validate(found["answer"])) == content(made)


def test_identifiers_are_masked_before_anything_is_stored(client: TestClient, service: Service, tmp_path: Path) -> None:
    told = "Mr John Sample, born 1 May 1950, has HIT. Can fondaparinux be used when the creatinine clearance is 24?"
    made = ask(client, told)
    assert made.masked == ("name", "date of birth")
    assert made.question.startswith("Mr [name], born [date of birth], has HIT.")
    assert service.keeping.answers.get(made.answer_id).masked == made.masked
    typed = ask(client, made.question)
    assert typed.masked == ()
    assert typed.answer_id != made.answer_id
    assert client.post(f"/v1/answers/{made.answer_id}/replay").json()["is_same"]
    assert not [f for f in tmp_path.iterdir() if b"Sample" in f.read_bytes() or b"May 1950" in f.read_bytes()]


def test_masking_can_be_switched_off(starter_index: Path, tmp_path: Path) -> None:
    told = "Mr John Sample has HIT. Can fondaparinux be used when the creatinine clearance is 24?"
    with client_of(open_service(starter_index, tmp_path, mask_identifiers=False)) as client:
        made = ask(client, told)
    assert (made.question, made.masked) == (told, ())


def test_the_same_token_is_the_same_request(client: TestClient) -> None:
    token = {"Idempotency-Key": "a-token-1"}
    first = ask(client, headers=token)
    assert ask(client, headers=token).model_dump_json() == first.model_dump_json()
    other = client.post("/v1/answers", json={"question": "What is HIT?"}, headers=token)
    assert (other.status_code, other.json()["type"]) == (409, "urn:osler:problem:conflict")


def test_lines_of_the_description_say_what_is_given(shared: TestClient) -> None:
    """The model of an answer in the description is that of ``docs/answer.md``."""
    schema = shared.get("/openapi.json").json()["components"]["schemas"]["Answer"]
    assert list(schema["properties"]) == list(Answer.model_fields)
    assert json.dumps(schema)
