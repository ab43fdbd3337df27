"""Every error is a problem (RFC 9457), and says nothing of what was sent."""

from __future__ import annotations

from typing import Any

import pytest
from running import client_of, logged, open_service
from starlette.testclient import TestClient

from api.http import problems
from api.http.problems import KINDS, Problem, kind_of
from api.http.service import Service
from rag import errors

SECRET = "Mr Xanadu born 1 January 1950"
LONG = "x" * 5000


@pytest.mark.parametrize(
    ("method", "address", "sent", "kind"),
    [
        ("GET", "/nowhere", {}, problems.NOT_FOUND),
        ("DELETE", "/v1/answers", {}, problems.NO_METHOD),
        ("POST", "/v1/answers", {"content": b"{", "headers": {"content-type": "application/json"}}, problems.MALFORMED),
        ("POST", "/v1/answers", {"content": b"{}", "headers": {"content-type": "text/plain"}}, problems.INVALID),
        ("POST", "/v1/answers", {"json": {}}, problems.INVALID),
        ("POST", "/v1/answers", {"json": {"question": "  "}}, problems.INVALID),
        ("POST", "/v1/answers", {"json": {"question": LONG}}, problems.INVALID),
        ("POST", "/v1/answers", {"json": {"question": 1, SECRET: 1}}, problems.INVALID),
        ("POST", "/v1/answers", {"json": {"question": "HIT?", "audience": SECRET}}, problems.INVALID),
        ("POST", "/v1/answers", {"json": {"question": "HIT?", "filter": {"jurisdictions": ["x"]}}}, problems.INVALID),
        (
            "POST", "/v1/answers", {"json": {"question": "HIT?", "filter": {"year_from": 2020, "year_to": 2010}}},
            problems.UNUSABLE,
        ),
        ("POST", "/v1/answers", {"json": {"question": "HIT?", "filter": {"sources": ["no"]}}}, problems.NOT_FOUND),
        ("POST", "/v1/answers", {"json": {"question": "HIT?", "conversation_id": "no"}}, problems.NOT_FOUND),
        (
            "POST", "/v1/answers", {"json": {"question": "HIT?"}, "headers": {"accept": "image/png"}}, problems.NO_FORM
        ),
        ("POST", "/v1/answers", {"json": {"question": "HIT?"}, "headers": {"idempotency-key": " "}}, problems.INVALID),
        ("POST", "/v1/answers", {"json": {"question": "y" * 70_000}}, problems.TOO_LARGE),
        ("GET", "/v1/answers/none", {}, problems.NOT_FOUND),
        ("GET", "/v1/answers/%2e%2e%2fetc", {}, problems.NOT_FOUND),
        ("GET", "/v1/answers/a b", {}, problems.INVALID),
        ("GET", "/v1/passages/none", {}, problems.NOT_FOUND),
        ("GET", "/v1/sources/none", {}, problems.NOT_FOUND),
        ("GET", "/v1/sources?limit=0", {}, problems.INVALID),
        ("POST", "/v1/verify", {"json": {"statement": "IVIG is given."}}, problems.UNUSABLE),
        ("POST", "/v1/answers/none/replay", {}, problems.NOT_FOUND),
        ("POST", "/v1/answers/none/review", {"json": {"action": "submit"}}, problems.NOT_FOUND),
        ("POST", "/v1/answers/none/feedback", {"json": {"rating": "helpful"}}, problems.NOT_FOUND),
        ("GET", "/v1/conversations/none", {}, problems.NOT_FOUND),
        ("POST", "/v1/webhooks", {"json": {"url": "http://127.0.0.1/x"}}, problems.UNUSABLE),
    ],
)  # fmt: skip
def test_an_error_is_a_problem(
    shared: TestClient, method: str, address: str, sent: dict[str, Any], kind: problems.Kind
) -> None:
    given = shared.request(method, address, **sent)
    found = Problem.model_validate_json(given.text)
    assert (found.type, found.status, given.status_code) == (f"urn:osler:problem:{kind.name}", kind.status, kind.status)
    assert given.headers["content-type"] == "application/problem+json"
    assert found.instance == f"urn:osler:request:{given.headers['x-request-id']}"
    assert SECRET not in given.text.replace(f"body.{SECRET}", "")
    assert LONG not in given.text


def test_a_method_that_is_not_allowed_names_those_that_are(shared: TestClient) -> None:
    assert shared.delete("/v1/answers").headers["allow"] == "POST"


def test_what_nobody_foresaw_tells_nothing(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(service.maker, "make", broken)
    given = client.post("/v1/answers", json={"question": SECRET})
    assert given.status_code == 500
    assert given.json()["type"] == "urn:osler:problem:internal-error"
    assert SECRET not in given.text
    assert "Traceback" not in given.text
    assert "ZeroDivision" not in given.text
    (line,) = [line for line in logged(service) if line["event"] == "failure"]
    assert line["error"] == "ZeroDivisionError"
    assert line["request_id"] == given.headers["x-request-id"]
    assert any("broken" in where for where in line["where"])
    assert SECRET not in str(logged(service))


def test_kinds_have_names_of_their_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(400 <= kind.status < 600 for kind in KINDS)


@pytest.mark.parametrize("error", [e for e in vars(errors).values() if isinstance(e, type)])
def test_every_error_of_ours_has_a_kind(error: type[errors.OslerError]) -> None:
    kind = kind_of(error("subject 'value': expectation; remedy"))
    assert (kind.status < 500) == issubclass(error, errors.InputError)


def test_a_store_that_is_away_is_told_as_such(starter_index: Any, tmp_path: Any) -> None:
    service = open_service(starter_index, tmp_path)
    with client_of(service) as client:
        service.keeping.database._engine.dispose()
        (tmp_path / "osler.sqlite").write_bytes(b"no database" * 1000)
        for leftover in ("osler.sqlite-wal", "osler.sqlite-shm"):
            (tmp_path / leftover).unlink(missing_ok=True)
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        given = client.post("/v1/answers", json={"question": "What is HIT?"})
    assert given.status_code in (500, 503)
    assert given.headers["content-type"] == "application/problem+json"
