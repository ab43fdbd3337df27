"""The examples of the description, made by asking the service: ``python -m api.http.examples`` writes them anew.

Ids, times and figures differ from run to run; ``normal`` is what does not.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.description import EXAMPLES
from api.http.logs import Log
from api.http.service import Service
from api.settings import ServiceSettings
from rag.settings import Settings

#: Sources are few, so that the example is short.
_ASK: Final = {
    "question": "Can fondaparinux be used for HIT when the creatinine clearance is 24?",
    "audience": "clinician",
    "filter": {"sources": ["label_fondaparinux"]},
}
_FOLLOW_UP: Final = {"question": "And if it is 60?", "filter": {"sources": ["label_fondaparinux"]}}
_STATEMENT: Final = "Fondaparinux is contraindicated when creatinine clearance is below 30 mL/min."
_VARYING: Final = re.compile(
    r"(?P<number>(?:(?<=created\": |_tokens\": )|(?<=created_at\": ))\d+)|"
    r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00))|"
    r"(?P<secret>whsec_[\w-]+)|(?P<digest>[0-9a-f]{10,})|(?P<figure>\d+\.\d+)"
)
#: What stands for a number, which has no quotes around it.
_ALIKE: Final = {"figure": "0.0", "number": "0"}


class Request(NamedTuple):
    """One request to an operation; ``parameters`` are those of its address and its query."""

    operation_id: str
    method: str
    address: str
    parameters: dict[str, Any] = {}  # noqa: RUF012, never changed
    body: Any = None


def made(index_dir: Path) -> dict[str, Any]:
    """An example for each operation, on an index: what was sent and what came back."""
    with tempfile.TemporaryDirectory() as folder:
        settings = ServiceSettings(database=str(Path(folder) / "osler.sqlite"))
        service = Service.open(settings, Settings(index_dir=index_dir), Log(io.StringIO()))
        with TestClient(create_app(service), base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
            return dict(sorted(dict(_examples(client)).items()))


def _examples(client: TestClient) -> Iterator[tuple[str, Any]]:
    """Asks one thing after another; later requests name what earlier ones gave."""
    given: dict[str, Any] = {}
    for request in (
        Request("ask", "POST", "/v1/answers", body=_ASK),
        Request("begin_conversation", "POST", "/v1/conversations"),
        Request("search", "POST", "/v1/search", body={"question": "fondaparinux in renal impairment", "k": 2}),
    ):
        given[request.operation_id] = example = _example(client, request)
        yield request.operation_id, example
    answer, conversation = given["ask"]["response"], given["begin_conversation"]["response"]
    others = (*_of_conversation(conversation["conversation_id"]), *_of_corpus(answer), *_of_openai())
    for request in (*_of_answer(answer), *others):
        yield request.operation_id, _example(client, request)
    registered = _example(client, Request("register_webhook", "POST", "/v1/webhooks", body={
        "url": "https://review.example.org/osler", "events": ["review.approve", "review.stale"]}))  # fmt: skip
    yield "register_webhook", registered
    one = {"webhook_id": registered["response"]["webhook_id"]}
    yield "list_webhooks", _example(client, Request("list_webhooks", "GET", "/v1/webhooks"))
    for operation_id, method, more in (("list_deliveries", "GET", "/deliveries"), ("delete_webhook", "DELETE", "")):
        yield operation_id, _example(client, Request(operation_id, method, "/v1/webhooks/{webhook_id}" + more, one))
    for operation_id, address in (("health", "/healthz"), ("readiness", "/readyz"), ("metrics", "/metrics")):
        yield operation_id, _example(client, Request(operation_id, "GET", address))


def _of_answer(answer: dict[str, Any]) -> Iterator[Request]:
    one, address = {"answer_id": answer["answer_id"]}, "/v1/answers/{answer_id}"
    yield Request("read_answer", "GET", address, {**one, "format": "json"})
    yield Request("export_references", "GET", f"{address}/references.{{form}}", {**one, "form": "txt"})
    yield Request("read_receipt", "GET", f"{address}/receipt", one)
    yield Request("verify_answer", "POST", f"{address}/verify", one)
    yield Request("replay_answer", "POST", f"{address}/replay", {**one, "on": "same"})
    step = {"action": "submit", "comment": "Please check the threshold against the label."}
    yield Request("take_review_step", "POST", f"{address}/review", one, step)
    yield Request("read_review", "GET", f"{address}/review", one)
    yield Request("list_reviews", "GET", "/v1/reviews/queue", {"limit": 20})
    opinion = {"rating": "helpful", "comment": "The threshold was what I needed."}
    yield Request("give_feedback", "POST", f"{address}/feedback", one, opinion)
    yield Request("read_feedback", "GET", f"{address}/feedback", one)


def _of_conversation(conversation_id: str) -> Iterator[Request]:
    one, address = {"conversation_id": conversation_id}, "/v1/conversations/{conversation_id}"
    yield Request(
        "ask_in_conversation", "POST", f"{address}/messages", one, _FOLLOW_UP | {"question": _ASK["question"]}
    )
    yield Request("ask_in_conversation", "POST", f"{address}/messages", one, _FOLLOW_UP)
    yield Request("read_conversation", "GET", address, one)
    yield Request("name_conversation", "PATCH", address, one, {"title": "Fondaparinux and the kidney"})
    yield Request("list_conversations", "GET", "/v1/conversations", {"words": "fondaparinux", "limit": 10})
    yield Request("export_conversation", "GET", f"{address}/export", {**one, "format": "json"})
    yield Request("delete_conversation", "DELETE", address, one)


def _of_corpus(answer: dict[str, Any]) -> Iterator[Request]:
    evidence = answer["bottom_line"][0]["evidence"][0]
    span = {"passage_id": evidence["passage_id"], "start": evidence["start"], "end": evidence["end"]}
    yield Request("open_passage", "GET", "/v1/passages/{passage_id}", span)
    yield Request("list_sources", "GET", "/v1/sources", {"words": "fondaparinux", "limit": 1})
    yield Request("open_source", "GET", "/v1/sources/{source_id}", {"source_id": evidence["source_id"]})
    yield Request("list_snapshots", "GET", "/v1/snapshots")
    statement = {"statement": _STATEMENT, "passage_ids": [evidence["passage_id"]]}
    yield Request("verify", "POST", "/v1/verify", body=statement)


def _of_openai() -> Iterator[Request]:
    yield Request("list_models", "GET", "/v1/models")
    yield Request("read_model", "GET", "/v1/models/{model}", {"model": "osler-clinician"})
    asked = {"role": "user", "content": _ASK["question"]}
    chat = {"model": "osler-clinician", "messages": [asked], "filter": _ASK["filter"]}
    yield Request("chat", "POST", "/v1/chat/completions", body=chat)
    response = {"model": "osler-clinician", "input": _ASK["question"], "store": False, "filter": _ASK["filter"]}
    yield Request("respond", "POST", "/v1/responses", body=response)
    texts = {"model": "osler-embedding", "input": ["argatroban"], "encoding_format": "base64"}
    yield Request("embed", "POST", "/v1/embeddings", body=texts)


def _example(client: TestClient, request: Request) -> dict[str, Any]:
    query = {k: v for k, v in request.parameters.items() if f"{{{k}}}" not in request.address}
    given = client.request(
        request.method, request.address.format(**request.parameters), params=query, json=request.body
    )
    if not given.is_success:
        raise RuntimeError(
            f"{request.operation_id}: {given.status_code} {given.text}; expected a request that is served"
        )
    example: dict[str, Any] = {"status": given.status_code}
    example |= {"parameters": request.parameters} if request.parameters else {}
    example |= {"request": request.body} if request.body is not None else {}
    media_type = given.headers.get("content-type", "").partition(";")[0]
    if media_type:
        response = given.json() if media_type == "application/json" else given.text
        example |= {"media_type": media_type, "response": _short(request, response)}
    return example


def _short(request: Request, response: Any) -> Any:
    """What is shown of a response: of the metrics a few lines, of the snapshots the first."""
    if request.operation_id == "list_snapshots":
        return response | {"snapshots": response["snapshots"][:1]}
    if request.operation_id == "metrics":
        return "".join(line for line in response.splitlines(keepends=True) if line.startswith("osler_answers_total"))
    return response


def normal(example: Any) -> Any:
    """An example without what differs from run to run: times, digests and random ids, figures."""
    return json.loads(_VARYING.sub(lambda m: _ALIKE.get(m.lastgroup or "", m.lastgroup or ""), json.dumps(example)))


def main() -> int:
    written = json.dumps(made(Settings.from_environment().index_dir), indent=1, ensure_ascii=False)
    EXAMPLES.write_text(written + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
