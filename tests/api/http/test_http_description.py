"""The description of the interface says what is so: generated requests, examples, problems."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from running import open_service
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.description import EXAMPLES, operations
from api.http.examples import made, normal
from api.keeping.keys import Scope

_GENERATED = 15
_MANY = "100000000/minute"
#: Of a well-formed request that asks for what cannot be, such as years out of order, the description says 400.
_FINE = ["2xx", "400", "401", "403", "404", "409", "410"]


@pytest.fixture(scope="module")
def schema(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description with a key that opens all, of a service where one is always needed."""
    folder = tmp_path_factory.mktemp("generated")
    service = open_service(starter_index, folder, keys="always", rate_by_key=_MANY, rate_by_address=_MANY)
    _, whole = service.keeping.keys.create("generated", list(Scope))
    generation = GenerationConfig(deterministic=True, max_examples=_GENERATED, no_shrink=True)
    checks = ChecksConfig(positive_data_acceptance=PositiveDataAcceptanceConfig(expected_statuses=_FINE))
    project = ProjectConfig(generation=generation, checks=checks, headers={"Authorization": f"Bearer {whole}"})
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    yield schemathesis.openapi.from_asgi("/openapi.json", create_app(service), config=config)  # which it starts
    shutdown_lifespans()


@pytest.mark.slow
def test_generated_requests_hold_to_it(schema: Any) -> None:
    """All checks, over what the examples, the limits, chance and sequences of requests give."""
    failures, checked = list[str](), Counter[str]()
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if not isinstance(event, events.ScenarioFinished):
            continue
        for check in (check for several in event.recorder.checks.values() for check in several):
            checked[check.name] += 1
            failures += [f"{event.label}: {check.failure_info.failure}"] if check.failure_info else []
    assert failures == []
    assert len(checked) >= 13
    assert min(checked.values()) > 500


@pytest.fixture(scope="module")
def document(shared: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = shared.get("/openapi.json").json()
    return found


def test_it_is_of_version_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "Osler"


def test_every_operation_has_an_example_of_what_is_sent_and_given(document: dict[str, Any]) -> None:
    for operation in operations(document):
        name = operation["operationId"]
        contents = [
            c for status, r in operation["responses"].items() if status < "300" for c in r.get("content", {}).values()
        ]
        assert not contents or any("example" in content for content in contents), name
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert "example" in content, name
        for parameter in operation.get("parameters", ()):
            assert "example" in parameter or not parameter["required"], (name, parameter["name"])


def test_examples_are_as_described(document: dict[str, Any]) -> None:
    count = 0
    for operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (c for body in bodies for c in body.get("content", {}).values() if "example" in c):
            whole = {"components": document["components"], **content["schema"]}
            jsonschema_rs.validate(whole, content["example"])
            count += 1
    assert count > 30


def test_examples_are_what_the_service_gives(starter_index: Path) -> None:
    written = json.loads(EXAMPLES.read_text("utf-8"))
    assert normal(made(starter_index)) == normal(written), "run `python -m api.http.examples`"


def test_problems_are_described_as_such(document: dict[str, Any]) -> None:
    ours = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    theirs = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIError"}}}
    for operation in operations(document):
        expected = theirs if "openai" in operation.get("tags", ()) else ours
        for status, response in operation["responses"].items():
            if status >= "400":
                assert response["content"] == expected
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_what_needs_a_key_says_so(document: dict[str, Any]) -> None:
    open_to_all = {o["operationId"] for o in operations(document) if "security" not in o}
    assert open_to_all == {"health", "readiness"}
