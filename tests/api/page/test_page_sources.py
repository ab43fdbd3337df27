"""Passages with their quotes, the sources of the corpus, a search: as pages, whatever stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from running import client_of, open_service
from small_corpus import document, empty_index, exported_encoder
from starlette.testclient import TestClient

from rag.index.build import build
from rag.pipeline import Pipeline

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
    for piece in ("Warkentin", "2019", "https://doi.org/", "/sources/warkentin2019ivig", "<dt>Where</dt><dd>Dosing",
                  "narrative review · international · 2019", "<dt>Certainty</dt><dd>low"):  # fmt: skip
        assert piece in found


def test_what_is_not_there_is_a_page_that_says_so(reader: TestClient) -> None:
    for address, status in (("/passages/none", 404), ("/sources/none", 404), ("/search?question=x&year_from=a", 422),
                            ("/passages/warkentin2019ivig-c4919d30e5?start=5&end=4", 400)):  # fmt: skip
        found = reader.get(address)
        assert (found.status_code, "<h1>" in found.text) == (status, True), address


def test_the_corpus_is_browsed_and_searched(reader: TestClient) -> None:
    first, second = reader.get("/sources").text, reader.get("/sources", params={"offset": 100}).text
    assert "153 sources with" in first
    assert first.count('scope="row"') == 100
    assert second.count('scope="row"') == 53
    assert "cuker2018" in reader.get("/sources/cuker2018").text
    found = reader.get("/search", params={"question": "bivalirudin on dialysis", "jurisdictions": "us"}).text
    assert found.count("/passages/") == 20
    assert "/?question=bivalirudin%20on%20dialysis" in found


def titles(page: str) -> list[str]:
    """Keys of the sources of a list, in their order."""
    return re.findall(r'scope="row"><a href="/sources/([^"]+)"', page)


def test_sources_are_found_by_a_form(reader: TestClient, pipeline: Pipeline) -> None:
    asked = {"words": "HEMATOLOGY cuker", "evidence_types": "guideline", "year_from": "2015", "year_to": ""}
    found = reader.get("/sources", params=asked).text
    assert titles(found) == ["cuker2018"]
    assert 'value="HEMATOLOGY cuker"' in found
    assert 'value="guideline" checked' in found
    assert "1 of 153 sources" in found
    guidelines = [s.key for s in pipeline.snapshot.store.sources() if s.evidence_type == "guideline"]
    assert titles(reader.get("/sources", params={"evidence_types": "guideline"}).text) == guidelines
    assert f'/sources?evidence_types=guideline">guideline</a> <span class="soft">{len(guidelines)}</span>' in found
    assert "No source is like that" in reader.get("/sources", params={"words": "zebra"}).text


def test_the_next_page_is_of_what_was_asked(reader: TestClient) -> None:
    first = reader.get("/sources", params={"words": "a", "year_from": 1900}).text
    (following,) = re.findall(r'href="(/sources\?[^"]+)" rel="next"', first)
    second = reader.get(unescape(following)).text
    (back,) = re.findall(r'href="(/sources\?[^"]+)" rel="prev"', second)
    assert titles(reader.get(unescape(back)).text) == titles(first)
    assert 0 < len(titles(second)) < len(titles(first)) == 100
    assert set(titles(first)).isdisjoint(titles(second))


@pytest.mark.parametrize("asked", [
    "year_from=long+ago", "evidence_types=opinion", "jurisdictions=Germany", "year_from=2020&year_to=2010",
])  # fmt: skip
@pytest.mark.parametrize("path", ["/sources?", "/search?question=heparin&"])
def test_a_filter_that_cannot_be_is_told_of(reader: TestClient, path: str, asked: str) -> None:
    found = reader.get(path + asked)
    assert found.status_code in (400, 422)
    assert "<h1>" in found.text


@pytest.mark.parametrize("asked", ["offset=-1", f"words={'a' * 201}"])
def test_a_page_that_cannot_be_is_told_of(reader: TestClient, asked: str) -> None:
    assert reader.get(f"/sources?{asked}").status_code == 422


def test_a_source_tells_what_is_known_of_it(reader: TestClient) -> None:
    found = reader.get("/sources/cuker2018").text
    for piece in ("Cuker A, Arepally GM", "guideline · US · 2018", "American Society of Hematology", "Licence",
                  "2018; reviewed Feb 2022, not revised", 'href="https://doi.org/10.1182/bloodadvances.2018024489"',
                  'href="https://pubmed.ncbi.nlm.nih.gov/30482768/"', "Passages (37)"):  # fmt: skip
        assert piece in found, piece


def test_a_search_marks_what_matches_and_leads_on(reader: TestClient, pipeline: Pipeline) -> None:
    within = {"question": "argatroban dose", "jurisdictions": "us, gb", "evidence_types": "drug_label"}
    found = reader.get("/search", params=within).text
    _, *hits = found.split('class="hit">')
    assert len(hits) == 20
    for hit in hits:
        passage, source = pipeline.passage(re.findall(r'href="/passages/([^"?]+)', hit)[0])
        assert (source.evidence_type, source.jurisdiction in ("US", "GB")) == ("drug_label", True)
        assert f'href="/sources/{source.key}"' in hit
        for start, end in re.findall(r"start=(\d+)&amp;end=(\d+)", hit):
            marked = passage.text[int(start) : int(end)]
            assert f"<mark>{marked}</mark>" in unescape(hit)
            assert re.search("argatroban|dos", marked, re.IGNORECASE)
    assert found.count("<mark>") > 10
    assert "drug_label" in re.findall(r'<a href="(/\?[^"]+)">Ask this</a>', found)[0]


@pytest.fixture
def shelves(starter_index: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A long source, and two that no longer stand."""
    index = empty_index(tmp_path / "index", exported_encoder(starter_index))
    long = "".join(f"## Part {n // 10}\n\n- Drug number {n} is given once daily. {{#p{n}}}\n\n" for n in range(230))
    old, withdrawn = document("warfarin"), document("ivig")
    build([
        document("long", long), document("hernia"),
        old.model_copy(update={"source": old.source.model_copy(update={"superseded_by": "hernia"})}),
        withdrawn.model_copy(update={"source": withdrawn.source.model_copy(update={"retracted": True})}),
    ], index)  # fmt: skip
    with client_of(open_service(index, tmp_path)) as client:
        client.headers.update(PAGE)
        yield client


def test_a_long_source_is_read_page_by_page(shelves: TestClient) -> None:
    first, second = (shelves.get("/sources/long", params={"offset": offset}).text for offset in (0, 200))
    assert "Passages (230)" in first
    assert "1 to 200 of 230" in first
    assert (first.count("/passages/"), second.count("/passages/")) == (200, 30)
    assert 'href="/sources/long?offset=200" rel="next"' in first
    assert "<h3>Part 22</h3>" in second


def test_what_no_longer_stands_says_so(shelves: TestClient) -> None:
    assert "Retracted: it supports nothing." in shelves.get("/sources/ivig").text
    old = shelves.get("/sources/warfarin").text
    assert 'Superseded by <a href="/sources/hernia">About hernia</a>' in old
    listed = shelves.get("/sources").text
    assert listed.count(">retracted<") == listed.count(">superseded<") == 1


def test_words_of_a_source_are_text(tmp_path: Path) -> None:
    body = "## Recommendations\n\n- " + HOSTILE.replace("<", "\\<") + " {#h1}\n"
    build([document("hostile", body)], tmp_path / "index")
    with client_of(open_service(tmp_path / "index", tmp_path)) as reader:
        passage = reader.get("/v1/sources/hostile").json()["passage_ids"][0]
        for address in (f"/passages/{passage}", f"/passages/{passage}?part=true", "/sources", "/sources/hostile",
                        "/search?question=velotrane", "/search?question=%3Cscript%3Ealert(1)",
                        "/sources?words=%3Cscript%3Ealert(1)&evidence_types=guideline"):  # fmt: skip
            page = reader.get(address, headers=PAGE).text
            assert "<script>alert" not in page, address
            assert "<img" not in page, address
