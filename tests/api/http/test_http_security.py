"""Who may do what: keys, scopes, this machine, rates, limits, headers."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from running import client_of, listening, logged, open_service
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.middleware import SAFE_HEADERS
from api.http.service import Service
from api.keeping.keys import Scope
from api.serving import check
from api.settings import ServiceSettings, is_loopback
from rag.errors import InputError
from rag.settings import Settings

QUESTION = {"question": "How is argatroban monitored?"}


def secret(service: Service, *scopes: str) -> dict[str, str]:
    """Headers with a new key of these scopes."""
    return {"Authorization": f"Bearer {service.keeping.keys.create('ward', scopes)[1]}"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk-other"}], ids=["none", "of another service"])
def test_no_key_is_needed_on_this_machine(shared: TestClient, headers: dict[str, str]) -> None:
    assert shared.post("/v1/answers", json=QUESTION, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("address", "host", "headers", "settings"),
    [
        ("192.0.2.1", "127.0.0.1", {}, {}),
        ("127.0.0.1", "attacker.example", {}, {}),
        ("127.0.0.1", "127.0.0.1", {"Host": "["}, {}),
        ("127.0.0.1", "127.0.0.1", {"Host": "localhost@attacker.example"}, {}),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, {}),
        ("127.0.0.1", "127.0.0.1", {"Forwarded": "for=192.0.2.1"}, {}),
        ("127.0.0.1", "127.0.0.1", {"Via": "1.1 proxy"}, {}),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-Proto": "https"}, {}),
        ("127.0.0.1", "127.0.0.1", {"Origin": "https://page.example"}, {}),
        ("127.0.0.1", "127.0.0.1", {"Origin": "null"}, {}),
        ("127.0.0.1", "127.0.0.1", {"Origin": "https://page.example"}, {"cors_origins": ("*",)}),
        ("127.0.0.1", "127.0.0.1", {"Sec-Fetch-Site": "cross-site"}, {}),
        ("127.0.0.1", "127.0.0.1", {"Sec-Fetch-Site": "same-site"}, {}),
        ("127.0.0.1", "127.0.0.1", {}, {"keys": "always"}),
        ("127.0.0.1", "127.0.0.1", {}, {"host": "0.0.0.0"}),
        ("127.0.0.1", "127.0.0.1", {"Authorization": "Bearer osler_0badc0de_nonsense"}, {}),
        ("127.0.0.1", "127.0.0.1", {"Authorization": "Bearer sk-other"}, {"keys": "always"}),
    ],
    ids=[
        "address",
        "rebinding",
        "no host",
        "user at host",
        "forwarded-for",
        "forwarded",
        "via",
        "forwarded-proto",
        "page",
        "page without origin",
        "page of any origin",
        "image in a page",
        "other port",
        "always",
        "public",
        "wrong",
        "key of another service",
    ],
)
def test_a_key_is_needed_otherwise(
    starter_index: Path, tmp_path: Path, address: str, host: str, headers: dict[str, str], settings: dict[str, Any]
) -> None:
    service = open_service(starter_index, tmp_path, **settings)
    with client_of(service, address, host) as client:
        refused = client.post("/v1/answers", json=QUESTION, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["type"] == "urn:osler:problem:key-needed"
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert client.post("/v1/answers", json=QUESTION, headers=headers | secret(service, "ask")).status_code == 200
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://127.0.0.1"}, {"Origin": "https://front.example"}, {"Sec-Fetch-Site": "none"}],
    ids=["own page", "trusted page", "typed address"],
)
def test_a_browser_on_this_machine_needs_no_key(starter_index: Path, tmp_path: Path, headers: dict[str, str]) -> None:
    with client_of(open_service(starter_index, tmp_path, cors_origins=("https://front.example",))) as client:
        assert client.post("/v1/conversations", headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("scope", "method", "address", "sent"),
    [
        (Scope.ASK, "POST", "/v1/answers", {"json": QUESTION}),
        (Scope.ASK, "POST", "/v1/conversations", {}),
        (Scope.SEARCH, "POST", "/v1/search", {"json": QUESTION}),
        (Scope.SEARCH, "GET", "/v1/sources", {}),
        (Scope.SEARCH, "GET", "/v1/snapshots", {}),
        (Scope.REVIEW, "GET", "/v1/reviews/queue", {}),
        (Scope.ADMIN, "GET", "/v1/webhooks", {}),
        (Scope.ADMIN, "GET", "/metrics", {}),
    ],
)
def test_a_key_opens_what_its_scopes_say(
    client: TestClient, service: Service, scope: Scope, method: str, address: str, sent: dict[str, Any]
) -> None:
    others = secret(service, *(set(Scope) - {scope}))
    refused = client.request(method, address, headers=others, **sent)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:osler:problem:scope-needed")
    assert client.request(method, address, headers=secret(service, scope), **sent).is_success


def test_a_revoked_key_opens_nothing(client: TestClient, service: Service) -> None:
    key, whole = service.keeping.keys.create("ward", ["ask"])
    headers = {"Authorization": f"Bearer {whole}"}
    assert client.post("/v1/answers", json=QUESTION, headers=headers).status_code == 200
    service.keeping.keys.revoke(key.prefix)
    assert client.post("/v1/answers", json=QUESTION, headers=headers).status_code == 401


def test_conversations_are_their_owners(client: TestClient, service: Service) -> None:
    mine, other, admin = secret(service, "ask"), secret(service, "ask"), secret(service, "ask", "admin")
    address = f"/v1/conversations/{client.post('/v1/conversations', headers=mine).json()['conversation_id']}"
    assert client.get(address, headers=mine).status_code == 200
    assert client.get(address, headers=admin).status_code == 200
    assert client.post(f"{address}/messages", json=QUESTION, headers=mine).status_code == 200
    for method, more, sent in (("GET", "", None), ("GET", "/export", None), ("PATCH", "", {"title": "t"}),
                               ("DELETE", "", None)):  # fmt: skip
        assert client.request(method, address + more, headers=other, json=sent).status_code == 404
    for headers, count in ((mine, 1), (other, 0), (admin, 0)):
        assert len(client.get("/v1/conversations", headers=headers).json()["conversations"]) == count
    asked = client.post(f"{address}/messages", json=QUESTION, headers=other)
    assert asked.status_code == 404
    theirs, there = address.rpartition("/")[2], client.get(address, headers=other).json()["detail"]
    none = client.get("/v1/conversations/c0", headers=other).json()["detail"]
    assert there.replace(theirs, "c0") == none, "nobody learns which there are"


@pytest.mark.parametrize(("setting", "with_key"), [("rate_by_key", True), ("rate_by_address", False)])
def test_who_comes_too_often_is_told_when_to_come_again(
    starter_index: Path, tmp_path: Path, setting: str, with_key: bool
) -> None:
    service = open_service(starter_index, tmp_path, keys="always", **{setting: "3/hour"})
    with client_of(service) as client:
        headers = secret(service, "search") if with_key else {}
        statuses = [client.get("/v1/snapshots", headers=headers).status_code for _ in range(3)]
        assert statuses == ([200] * 3 if with_key else [401] * 3)
        refused = client.get("/v1/snapshots", headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (429, "urn:osler:problem:rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 3600


def test_who_has_a_network_of_addresses_comes_no_more_often(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always", rate_by_address="1/hour")
    app = create_app(service)
    callers = ("2001:db8:1:1::1", "2001:db8:1:1:2::2", "2001:db8:1:2::1", "192.0.2.1", "192.0.2.2")
    with TestClient(app):
        statuses = [TestClient(app, client=(c, 50_000)).get("/v1/snapshots").status_code for c in callers]
    assert statuses == [401, 429, 401, 401, 401]


def test_safe_headers_stand_on_all(shared: TestClient) -> None:
    for given in (shared.post("/v1/answers", json=QUESTION), shared.get("/nowhere"), shared.get("/healthz")):
        assert {name: given.headers.get(name) for name in SAFE_HEADERS} == dict(SAFE_HEADERS)
        assert "server" not in given.headers


def test_pages_of_other_origins_may_not_call(shared: TestClient, starter_index: Path, tmp_path: Path) -> None:
    asks = {"Origin": "https://front.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in shared.options("/v1/answers", headers=asks).headers
    with client_of(open_service(starter_index, tmp_path, cors_origins=("https://front.example",))) as client:
        allowed = client.options("/v1/answers", headers=asks)
        assert allowed.headers["access-control-allow-origin"] == "https://front.example"
        names = asks | {"Access-Control-Request-Method": "PATCH"}
        assert client.options("/v1/conversations/c0", headers=names).status_code == 200
        other = client.options("/v1/answers", headers=asks | {"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("given", "is_kept"), [("trace-0123456789", True), ("x\x7f", False), ("a" * 65, False), ("", False)]
)
def test_the_id_of_a_request(shared: TestClient, given: str, is_kept: bool) -> None:
    found = shared.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (found == given) == is_kept
    assert len(found) >= 8


def test_a_body_without_a_length_is_limited_too(shared: TestClient) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b'{"question": "' + b"y" * 10_000

    given = shared.post("/v1/answers", content=endless(), headers={"content-type": "application/json"})
    assert given.status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, timeout_s=0.3)
    head = b"POST /v1/%b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with listening(service) as address:
        for path in (b"answers", b"conversations/c1/messages"):
            with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=10) as slow:
                slow.sendall(head % path)
                assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_questions_stand_in_the_log_only_when_opted_in(starter_index: Path, tmp_path: Path) -> None:
    for opted_in in (False, True):
        service = open_service(starter_index, tmp_path, log_questions=opted_in)
        with client_of(service) as client:
            client.post("/v1/answers", json=QUESTION, headers=secret(service, "ask"))
        (line,) = [line for line in logged(service) if line.get("route") == "/v1/answers"]
        assert ("question" in line) == ("answer" in line) == opted_in
        assert line["outcome"] == "answered"
        assert line["status"] == 200
        assert len(line["key"]) == 8
        assert ("argatroban" in str(logged(service))) == opted_in


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.168.1.4", False), ("example.org", False), ("", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def test_a_public_address_without_keys_is_refused(starter_index: Path, tmp_path: Path) -> None:
    pipeline = Settings(index_dir=starter_index)
    for given in ({"host": "0.0.0.0"}, {"keys": "always"}):
        settings = ServiceSettings(database=str(tmp_path / f"{len(given)}.sqlite"), **given)
        with pytest.raises(InputError, match="osler keys create"):
            check(settings, pipeline)
    check(ServiceSettings(database=str(tmp_path / "local.sqlite")), pipeline)
    service = open_service(starter_index, tmp_path)
    secret(service, "ask")
    service.close()
    check(ServiceSettings(database=str(tmp_path / "osler.sqlite"), host="0.0.0.0"), pipeline)
