"""Passages, sources, snapshots, and the judging of statements, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.http.service import Service
from rag.domain import Answer, Filter
from rag.pipeline import Pipeline

ASKED = "bivalirudin on dialysis"


@pytest.mark.parametrize("within", [{}, {"jurisdictions": ["US"], "year_from": 2010}])
def test_search_finds_what_the_pipeline_finds(shared: TestClient, pipeline: Pipeline, within: dict[str, Any]) -> None:
    found = shared.post("/v1/search", json={"question": ASKED, "k": 5, "filter": within}).json()
    expected = pipeline.search(ASKED, 5, Filter.of(**within))
    assert [(h["passage_id"], h["score"], h["source_id"], h["text"]) for h in found["hits"]] == [
        (hit.passage_id, hit.score, source.key, passage.text) for hit, passage, source in expected
    ]
    assert [h["rank"] for h in found["hits"]] == [1, 2, 3, 4, 5]
    assert found["snapshot_id"] == pipeline.snapshot.snapshot_id


def test_evidence_opens_to_its_words(shared: TestClient, pipeline: Pipeline) -> None:
    made = Answer.model_validate_json(shared.post("/v1/answers", json={"question": "IVIG in HIT?"}).text)
    for evidence in made.statements()[0].evidence:
        span = {"start": evidence.start, "end": evidence.end}
        opened = shared.get(f"/v1/passages/{evidence.passage_id}", params=span).json()
        highlight = opened["highlight"]
        assert highlight["text"] == evidence.quote
        assert highlight["before"] + highlight["text"] + highlight["after"] == opened["passage"]["text"]
        assert opened["source"]["key"] == evidence.source_id
        around = opened["context"]["before"] + opened["passage"]["text"] + opened["context"]["after"]
        assert around in pipeline.snapshot.store.source_text(evidence.source_id)
        assert opened["is_current"]


@pytest.mark.parametrize("span", [{"start": 5, "end": 5}, {"start": 5, "end": 4}, {"end": 10**6}, {"start": 10**6}])
def test_a_span_outside_the_passage_is_refused(shared: TestClient, span: dict[str, int]) -> None:
    given = shared.get("/v1/passages/warkentin2019ivig-c4919d30e5", params=span)
    assert (given.status_code, given.json()["type"]) == (400, "urn:osler:problem:unusable-request")


def test_all_sources_are_listed_page_by_page(shared: TestClient, pipeline: Pipeline) -> None:
    keys, offset = list[str](), 0
    while page := shared.get("/v1/sources", params={"offset": offset, "limit": 50}).json():
        keys += [source["key"] for source in page["sources"]]
        offset += 50
        if offset >= page["total"]:
            break
    assert keys == [source.key for source in pipeline.snapshot.store.sources()]
    assert len(keys) == page["total"]


@pytest.mark.parametrize("within", [
    {"evidence_types": ["guideline", "drug_label"]}, {"year_from": 2015, "year_to": 2018}, {"jurisdictions": ["DE"]},
    {"sources": ["cuker2018"]},
])  # fmt: skip
def test_sources_of_some_kind_are_listed(shared: TestClient, pipeline: Pipeline, within: dict[str, Any]) -> None:
    listed = shared.get("/v1/sources", params={**within, "limit": 1000}).json()
    found = [s.key for s in pipeline.snapshot.store.sources() if Filter.of(**within).passes(s)]
    assert [source["key"] for source in listed["sources"]] == found
    assert 0 < listed["total"] == len(found) < 153


def test_sources_are_found_by_words(shared: TestClient) -> None:
    listed = shared.get("/v1/sources", params={"words": "CUKER hematology", "evidence_types": "guideline"}).json()
    assert {"cuker2018"} <= {source["key"] for source in listed["sources"]}
    assert all("cuker" in " ".join((s["key"], *s["authors"])).lower() for s in listed["sources"])
    nothing = shared.get("/v1/sources", params={"words": "cuker zebra"}).json()
    assert (nothing["total"], nothing["sources"]) == (0, [])


@pytest.mark.parametrize(("asked", "status", "told"), [
    ({"evidence_types": "opinion"}, 422, "query.evidence_types.0"), ({"year_from": 17}, 422, "query.year_from"),
    ({"jurisdictions": "germany"}, 422, "query.jurisdictions.0"), ({"words": "a" * 201}, 422, "query.words"),
    ({"year_from": 2020, "year_to": 2010}, 400, "expected the earlier one first"),
])  # fmt: skip
def test_what_no_source_can_be_is_refused(shared: TestClient, asked: dict[str, Any], status: int, told: str) -> None:
    given = shared.get("/v1/sources", params=asked)
    assert (given.status_code, told in given.text) == (status, True)


def test_a_source_opens_to_its_passages(shared: TestClient, pipeline: Pipeline) -> None:
    opened = shared.get("/v1/sources/cuker2018").json()
    assert opened["passage_ids"] == [p.passage_id for p in pipeline.snapshot.store.passages_of("cuker2018")]
    assert opened["vancouver"].startswith("Cuker A")


def test_a_statement_is_judged(shared: TestClient) -> None:
    by_passage = {
        "statement": "IVIG is given at 10 g/kg on each of 2 days.",
        "passage_ids": ["warkentin2019ivig-c4919d30e5"],
    }
    found = shared.post("/v1/verify", json=by_passage).json()
    assert found["verdict"] != "supported"
    assert any(r["kind"] == "number" for r in found["reasons"])
    said = "Argatroban is started at 2 mcg/kg/min."
    found = shared.post("/v1/verify", json={"statement": said, "texts": [said]}).json()
    assert (found["verdict"], found["support"], found["reasons"]) == ("supported", 1.0, [])


def test_snapshots_are_listed(client: TestClient, service: Service) -> None:
    (before,) = client.get("/v1/snapshots").json()["snapshots"]
    assert before["snapshot_id"] == service.serving.snapshot_id
    assert (before["is_in_use"], before["is_cited"]) == (True, False)
    client.post("/v1/answers", json={"question": "IVIG in HIT?"})
    found = client.get("/v1/snapshots").json()
    assert found["snapshots"] == [before | {"is_cited": True}]
    assert (found["current"], found["problem"]) == (service.serving.snapshot_id, None)
