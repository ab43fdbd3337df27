"""What people do with the service from a question to its erasure, on each database."""

from __future__ import annotations

from pathlib import Path

from running import client_of, open_service

QUESTION = "Should IVIG be given in HIT to a patient with cirrhosis who is on argatroban?"


def test_ask_follow_up_review_and_erase(starter_index: Path, tmp_path: Path, url: str) -> None:
    service = open_service(starter_index, tmp_path, database=url, keys="always")
    _, secret = service.keeping.keys.create("Ward 3", ["ask", "review"])
    with client_of(service) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        token = {"Idempotency-Key": "one"}
        asked = client.post("/v1/answers", json={"question": QUESTION}, headers=token)
        assert asked.status_code == 200, asked.text
        assert client.post("/v1/answers", json={"question": QUESTION}, headers=token).content == asked.content
        answer_id = asked.json()["answer_id"]
        assert client.get(f"/v1/answers/{answer_id}").content == asked.content

        talk = client.post("/v1/conversations").json()["conversation_id"]
        first, second = (
            client.post(f"/v1/conversations/{talk}/messages", json={"question": question}).json()
            for question in (QUESTION, "And the dose?")
        )
        assert second["follow_up"]["asked"] == "And the dose?"
        assert [first["turn"]["number"], second["turn"]["number"]] == [1, 2]

        review = f"/v1/answers/{second['answer_id']}/review"
        for action in ("submit", "start", "approve"):
            given = client.post(review, json={"action": action, "reviewer": "Reviewer One"})
            assert given.status_code == 200, given.text
        assert client.get(f"/v1/answers/{second['answer_id']}").json()["review"]["status"] == "approved"
        said = client.post(f"/v1/answers/{first['answer_id']}/feedback", json={"rating": "helpful"})
        assert said.is_success

        erased = client.delete(f"/v1/conversations/{talk}").json()
        kept = [second["answer_id"]]
        assert erased == {"turns": 2, "answers": 1, "kept": kept}, "a decision keeps what it was about"
        assert client.get(f"/v1/conversations/{talk}").status_code == 404
        assert client.get(f"/v1/answers/{first['answer_id']}").status_code == 404
        assert client.get(f"/v1/answers/{second['answer_id']}").status_code == 200
        assert client.get("/readyz").status_code == 200
        assert service.keeping.audit.verify() is None
