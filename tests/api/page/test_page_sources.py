"""Passages with their quotes, the sources of the corpus, a search: as pages, whatever stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from running import client_of, open_service
from small_corpus import document
from starlette.testclient import TestClient

from rag.index.build import build

PAGE = {"Accept": "text/html"}
HOSTILE = "Velotrane is given at 5 mg <script>alert(1)</script> <img src=x onerror=alert(1)> daily."


@pytest.fixture(scope="module")
def reader(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_of(open_service(starter_index, tmp_path_factory.mktemp("shelves"))) as client:
        client.headers.update(PAGE)
        yield client


def test_every_citation_opens_its_exact_quote(reader: TestClient) -> None:
    answer = reader.post(
        "/v1/answers", json={"question": "How is argatroban dosed in Child-Pugh C?"}, headers={"Accept": "*/*"}
    ).json()
    for statement in answer["bottom_line"]:
        for evidence in statement["evidence"]:
            span = {"start": evidence["start"], "end": evidence["end"]}
            for more in ({}, {"part": "true"}):
                found = reader.get(f"/passages/{evidence['passage_id']}", params={**span, **more})
                assert f"<mark>{evidence['quote']}</mark>" in unescape(found.text)
                assert found.text.startswith("<!doctype") == (not more)


def test_a_passage_tells_where_it_is_from(reader: TestClient) -> None:
    found = reader.get("/passages/warkentin2019ivig-c4919d30e5").text
    for piece in ("Warkentin", "2019", "https://doi.org/", "/sources/warkentin2019ivig"):
        assert piece in found


def test_what_is_not_there_is_a_page_that_says_so(reader: TestClient) -> None:
    for address, status in (("/passages/none", 404), ("/sources/none", 404), ("/search?question=x&year_from=a", 422),
                            ("/passages/warkentin2019ivig-c4919d30e5?start=5&end=4", 400)):  # fmt: skip
        found = reader.get(address)
        assert (found.status_code, "<h1>" in found.text) == (status, True), address


def test_the_corpus_is_browsed_and_searched(reader: TestClient) -> None:
    first, second = reader.get("/sources").text, reader.get("/sources", params={"offset": 100}).text
    assert "153 sources" in first
    assert first.count('scope="row"') == 100
    assert second.count('scope="row"') == 53
    assert "cuker2018" in reader.get("/sources/cuker2018").text
    found = reader.get("/search", params={"question": "bivalirudin on dialysis", "jurisdictions": "us"}).text
    assert found.count("/passages/") == 20
    assert "/?question=bivalirudin%20on%20dialysis" in found


def test_words_of_a_source_are_text(tmp_path: Path) -> None:
    body = "## Recommendations\n\n- " + HOSTILE.replace("<", "\\<") + " {#h1}\n"
    build([document("hostile", body)], tmp_path / "index")
    with client_of(open_service(tmp_path / "index", tmp_path)) as reader:
        passage = reader.get("/v1/sources/hostile").json()["passage_ids"][0]
        for address in (f"/passages/{passage}", f"/passages/{passage}?part=true", "/sources", "/sources/hostile",
                        "/search?question=velotrane", "/search?question=%3Cscript%3Ealert(1)"):  # fmt: skip
            page = reader.get(address, headers=PAGE).text
            assert "<script>alert" not in page, address
            assert "<img" not in page, address
