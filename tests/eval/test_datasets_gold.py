"""What the loaders make of each field: answers, labels, entities, claims, relevant documents, evidence, clusters."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_examples import PREPARED, PUBLISHED, Files, lines, write

from eval.datasets.base import digest, verdict
from eval.datasets.catalogue import load
from eval.domain import Item
from rag.errors import InputError


def published(name: str, folder: Path, files: Files | None = None) -> dict[str, Item]:
    return {item.item_id: item for item in load(name, write(files or PUBLISHED[name], folder)).items}


def ready(name: str, folder: Path) -> dict[str, Item]:
    return {item.item_id: item for item in load(name, write(PREPARED[name], folder)).items}


def test_prepared_fields(tmp_path: Path) -> None:
    item = ready("bioasq", tmp_path)["q1"]
    assert item.question == "What is frog 1?"
    assert item.kind == "factoid"
    assert item.gold.answers == ("A toy.", "A plaything.")
    assert [(c.text, c.importance) for c in item.gold.claims] == [("It is a toy", "must"), ("It is green", "nice")]
    assert item.gold.exact == (("toy", "plaything"),)
    assert item.gold.relevant == {"d1": 2, "d2": 0}
    assert item.gold.evidence == ("Frogs are toys.",)


def test_prepared_set_brings_its_corpus(tmp_path: Path) -> None:
    assert load("bioasq", write(PREPARED["bioasq"], tmp_path)).corpus == tmp_path / "corpus.jsonl"


def test_beir_leaves_out_queries_without_judgements(tmp_path: Path) -> None:
    loaded = load("beir", write(PUBLISHED["beir"], tmp_path / "frogs"))
    assert loaded.name == "beir/frogs"
    assert [item.item_id for item in loaded.items] == ["q1", "q2"]
    assert loaded.items[0].gold.relevant == {"d1": 2, "d2": 0}


def test_beir_without_test_judgements_is_an_error(tmp_path: Path) -> None:
    files = {name: text for name, text in PUBLISHED["beir"].items() if not name.startswith("qrels")}
    with pytest.raises(InputError, match=r"qrels/test\.tsv"):
        load("beir", write(files, tmp_path))


def test_bioasq_types(tmp_path: Path) -> None:
    items = published("bioasq", tmp_path)
    assert [item.kind for item in items.values()] == ["yesno", "factoid", "list", "summary"]
    yesno = items["bioasq-a1"]
    assert (yesno.gold.label, yesno.gold.answers) == ("yes", ("They do.", "Yes."))
    assert yesno.gold.relevant == {"111": 1, "222": 1}
    assert yesno.gold.evidence == ("Frogs hop.",)
    assert items["bioasq-a2"].gold.exact == (("clock oil", "fine oil"),), "synonyms of one entity"
    assert items["bioasq-a3"].gold.exact == (("spring", "coil"), ("cog",))
    assert items["bioasq-a4"].gold.exact == ()


def test_bioasq_flat_list_is_one_entity_a_string(tmp_path: Path) -> None:
    question = {"id": "1", "body": "Parts?", "type": "list", "exact_answer": ["spring", "cog"]}
    files = {"golden.json": '{"questions": ' + f"[{lines(question)}]" + "}"}
    assert published("bioasq", tmp_path, files)["bioasq-1"].gold.exact == (("spring",), ("cog",))


def test_pubmedqa_reads_the_test_questions_only(tmp_path: Path) -> None:
    items = published("pubmedqa", tmp_path)
    assert {item_id: item.gold.label for item_id, item in items.items()} == {"pqal-11": "yes", "pqal-13": "maybe"}
    assert items["pqal-11"].evidence == ("We wound frogs.", "They hopped.")
    (tmp_path / "data" / "test_ground_truth.json").unlink()
    assert len(load("pubmedqa", tmp_path).items) == 3


def test_mirage_keeps_letters(tmp_path: Path) -> None:
    item = published("mirage", tmp_path)["mirage-medqa-0000"]
    assert (item.gold.label, item.gold.options) == ("A", {"A": "toy", "B": "stone"})


def test_mirage_answer_must_be_an_option(tmp_path: Path) -> None:
    files = {"benchmark.json": PUBLISHED["mirage"]["benchmark.json"].replace('"answer": "A"', '"answer": "E"')}
    with pytest.raises(InputError, match=r"'answer' is 'E'; expected one of A, B"):
        load("mirage", write(files, tmp_path))


def test_medquad_leaves_out_questions_without_answer(tmp_path: Path) -> None:
    items = published("medquad", tmp_path)
    assert list(items) == ["mq-FrogGov_0000001-1", "mq-FrogGov_0000001-2"]
    first = items["mq-FrogGov_0000001-1"]
    assert (first.kind, first.cluster) == ("information", "FrogGov_0000001")
    assert first.gold.answers == first.gold.evidence == ("A toy.",)


def test_mediqa_mas_and_ans(tmp_path: Path) -> None:
    items = published("mediqa_mas", tmp_path)
    assert items["mas-val-3"].gold.answers == ("It does.", "Oil helps.")
    assert items["ans-9"].gold.answers == ("A toy.", "Frogs are toys.")
    assert items["ans-9"].gold.relevant == {"9_Answer1": 3}


def test_mediqa_mas_without_summaries_is_an_error(tmp_path: Path) -> None:
    write(PUBLISHED["mediqa_mas"], tmp_path)
    next(tmp_path.rglob("*Extractive*")).unlink()
    with pytest.raises(InputError, match="MEDIQA2021"):
        load("mediqa_mas", tmp_path)


def test_mediqa2019_grades(tmp_path: Path) -> None:
    items = published("mediqa2019_qa", tmp_path)
    assert items["m19-test-1"].gold.relevant == {"m19-test-1_Answer1": 0, "m19-test-1_Answer2": 3}
    assert items["m19-alexa-1"].kind == "alexa"


def test_mediqa2019_prefers_the_second_version(tmp_path: Path) -> None:
    files = dict(PUBLISHED["mediqa2019_qa"])
    first, text = next(iter(files.items()))
    files[first.replace(".xml", "-V2.xml")] = text.replace("What is a frog?", "What is a toy frog?")
    assert published("mediqa2019_qa", tmp_path, files)["m19-alexa-1"].question == "What is a toy frog?"


def test_liveqa_joins_subject_and_message(tmp_path: Path) -> None:
    files = PUBLISHED["liveqa"] | {"TestDataset/TREC-2017-LiveQA-Medical-Test-Questions-w-summaries.xml": "<not read>"}
    items = published("liveqa", tmp_path, files)
    assert items["liveqa-test-TQ1"].question == "frog\nIt squeaks. What now?"
    assert items["liveqa-test-TQ1"].gold.answers == ("Oil it.", "Oil & wait.")
    assert items["liveqa-test-TQ1"].kind == "treatment"
    assert items["liveqa-train-1-Q1"].gold.answers == ("With the key.",)


def test_kqa_statements(tmp_path: Path) -> None:
    claims = published("kqa", tmp_path)["kqa-001"].gold.claims
    assert [(c.claim_id, c.importance) for c in claims] == [
        ("kqa-001-c1", "must"),
        ("kqa-001-c2", "must"),
        ("kqa-001-c3", "nice"),
    ]


def test_kqa_nli_is_the_statement_against_the_answer(tmp_path: Path) -> None:
    items = published("kqa_nli", tmp_path)
    first = items["kqanli-000"]
    assert (first.question, first.evidence, first.gold.label) == ("One drop", ("One drop.",), "supports")
    assert items["kqanli-001"].gold.label == "refutes"
    assert len({item.cluster for item in items.values()}) == 1


def test_healthver_labels_and_clusters(tmp_path: Path) -> None:
    items = published("healthver", tmp_path)
    assert [item.gold.label for item in items.values()] == ["supports", "neutral", "refutes"]
    assert items["healthver-dev-0001"].cluster == items["healthver-test-0000"].cluster == "does sand help"
    assert items["healthver-dev-0000"].evidence == ("Oil, they found, helps.",)


def test_scifact_has_an_item_a_claim_and_cited_abstract(tmp_path: Path) -> None:
    items = published("scifact", tmp_path)
    assert {k: v.gold.label for k, v in items.items()} == {
        "scifact-2-10": "refutes",
        "scifact-1-10": "supports",
        "scifact-1-20": "neutral",
    }
    first = items["scifact-1-10"]
    assert first.evidence == ("We oiled. We waited. Frogs hopped.",)
    assert first.gold.evidence == ("We oiled.", "Frogs hopped."), "in the order of the abstract"
    assert {item.cluster for item in items.values()} == {"10"}, "claims that cite one abstract"


def test_scifact_prepared(tmp_path: Path) -> None:
    items = ready("scifact", tmp_path)
    assert list(items) == ["q1-d1", "q1-d2", "q2-d2"]
    assert [item.gold.label for item in items.values()] == ["supports", "neutral", "neutral"]
    assert items["q1-d1"].gold.evidence == items["q1-d1"].evidence


def test_scifact_sentence_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    files = PUBLISHED["scifact"]
    files = {name: text.replace('"sentences": [2]', '"sentences": [3]') for name, text in files.items()}
    with pytest.raises(InputError, match=r"claims_dev\.jsonl, line 1.*sentences 0 to 2"):
        load("scifact", write(files, tmp_path))


def test_expertqa_claims_that_can_be_checked(tmp_path: Path) -> None:
    items = published("expertqa", tmp_path)
    assert {k: (v.kind, v.gold.label) for k, v in items.items()} == {
        "expertqa-0001-sys_a-1": ("complete", "supports"),
        "expertqa-0001-sys_a-2": ("incomplete", "neutral"),
        "expertqa-0002-sys_b-1": ("partial", "neutral"),
    }
    assert items["expertqa-0001-sys_a-1"].evidence == ("A key winds the frog.",)
    assert items["expertqa-0001-sys_a-1"].cluster == "expertqa-0001"


def test_expertqa_questions(tmp_path: Path) -> None:
    first = published("expertqa_questions", tmp_path)["expertqa-0001"]
    assert (first.kind, first.gold.answers) == ("Horology", ("With a small key [1].",))


def test_alce_sets(tmp_path: Path) -> None:
    items = published("alce", tmp_path)
    asqa = items["alce-asqa-s1"]
    assert len(asqa.evidence) == 5
    assert asqa.evidence[0] == "Races\nGreen won."
    assert asqa.gold.answers == ("Green in spring, blue in autumn.", "The green, then the blue.")
    assert asqa.gold.exact == (("green", "the green one"),)
    assert items["alce-qampari-p1"].gold.exact == (("green", "verdant"), ("blue",))
    assert [c.text for c in items["alce-eli5-1"].gold.claims] == ["A spring is in them."]


def test_biogen_reads_a_question_from_what_says_most(tmp_path: Path) -> None:
    items = published("biogen", tmp_path)
    assert set(items) == {"biogen-116", "biogen-117", "biogen-118"}
    assert items["biogen-116"].gold.answers == ("They lack oil [111].",)
    assert items["biogen-116"].gold.relevant == {"111": 1, "222": 0}
    assert items["biogen-117"].kind == "rust"
    assert items["biogen-118"].gold.answers == ("The spring is slack. Wind it.",)
    assert items["biogen-118"].gold.relevant == {"333": 1}


def test_healthbench_conversation_and_rubric(tmp_path: Path) -> None:
    items = published("healthbench", tmp_path)
    first, second = items["healthbench-h1"], items["healthbench-h2"]
    assert [turn.role for turn in first.history] == ["user", "assistant"]
    assert (first.question, first.kind) == ("How do I wind my frog?", "winding")
    assert [criterion.points for criterion in first.gold.rubric] == [5, -8]
    assert (second.history, second.gold.answers) == ((), ("A drop.",))


def test_healthbench_ends_with_the_user(tmp_path: Path) -> None:
    row = {"prompt_id": "h", "prompt": [{"role": "assistant", "content": "Hello"}], "rubrics": []}
    with pytest.raises(InputError, match="the user's is the last"):
        load("healthbench", write({"x_oss_eval.jsonl": lines(row)}, tmp_path))


def test_covidqa_span_is_answer_and_evidence(tmp_path: Path) -> None:
    item = published("covidqa", tmp_path)["covidqa-q1"]
    assert item.gold.answers == item.gold.evidence == ("when wound",)
    assert (item.cluster, item.gold.relevant) == ("covidqa-7", {"covidqa-7": 1})


def test_evidence_inference_takes_the_majority_of_valid_annotations(tmp_path: Path) -> None:
    items = published("evidence_inference", tmp_path)
    assert list(items) == ["ei-1", "ei-2"], "what no valid annotation speaks of is left out"
    assert items["ei-1"].question == "What is the effect of oil versus sand on hops?"
    assert items["ei-1"].gold.label == "significantly increased"
    assert items["ei-1"].gold.evidence == ("Oil gave more hops.", "More hops with oil.")
    assert items["ei-1"].cluster == items["ei-2"].cluster == "PMC55"


def test_evidence_inference_leaves_out_what_has_no_label(tmp_path: Path) -> None:
    assert list(ready("evidence_inference", tmp_path)) == ["q1", "q2"]


def test_rqe_related_only_where_entailed(tmp_path: Path) -> None:
    items = published("rqe", tmp_path)
    assert [(item.gold.label, item.gold.related) for item in items.values()] == [
        ("yes", ("What is a frog ?",)),
        ("no", ()),
    ]


def test_medicationqa_keeps_spelling(tmp_path: Path) -> None:
    items = published("medicationqa", tmp_path)
    assert items["medicationqa-001"].question == "how much clock oyl"
    assert items["medicationqa-002"].gold.answers == ("Yes,\nfor frogs.",)


def test_a_column_that_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1: no column 'Question Type'"):
        load("medicationqa", write({"MedInfo2019-QA-Medications.csv": "Question,Answer\na,b\n"}, tmp_path))


def test_entities_of_xml_are_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", "utf-8")
    text = (
        f'<!DOCTYPE d [<!ENTITY e SYSTEM "{secret.as_uri()}">]><Document id="1" source="F"><QAPairs><QAPair pid="1">'
        '<Question qid="1-1" qtype="x">Why?</Question><Answer>So &e;</Answer></QAPair></QAPairs></Document>'
    )
    item = published("medquad", tmp_path / "set", {"1_F_QA/1.xml": text})["mq-F_1-1"]
    assert "secret" not in item.gold.answers[0]


def test_line_separators_of_unicode_end_no_line(tmp_path: Path) -> None:
    row = {"Question": "How\u2028much?", "Free_form_answer": "A\u0085drop.", "Must_have": [], "Nice_to_have": []}
    assert published("kqa", tmp_path, {"questions_w_answers.jsonl": lines(row)})["kqa-001"].question == "How\u2028much?"


@pytest.mark.parametrize(
    ("label", "expected"),
    [("SUPPORT", "supports"), ("Contradiction", "refutes"), ("not_enough_info", "neutral"), ("yes", None)],
)
def test_verdict(label: str, expected: str | None) -> None:
    assert verdict(label) == expected


def test_digest_depends_on_order_and_gold() -> None:
    one, two = Item(item_id="1", question="a"), Item(item_id="2", question="b")
    assert digest([one, two]) != digest([two, one])
    assert digest([one]) != digest([one.model_copy(update={"kind": "x"})])


@pytest.mark.parametrize(
    ("name", "old", "new", "field"),
    [
        ("kqa", '["Clock oil"]', '{"a": 1}', "Must_have"),
        ("healthbench", '"points": 5', '"points": "many"', "points"),
        ("scifact", '"cited_doc_ids": [10]', '"cited_doc_ids": [[10]]', "cited_doc_ids"),
        ("scifact", '"sentences": [0]', '"sentences": ["0"]', "sentences"),
        ("expertqa", '"claims": [', '"claims": ["x", ', "claims"),
        ("bioasq", '"type": "summary"', '"type": "essay"', "type"),
        ("pubmedqa", '"final_decision": "yes"', '"final_decision": "aye"', "final_decision"),
        ("healthver", "Refutes", "Denies", "label"),
        ("mirage", '"question": "Do frogs hop?"', '"question": ""', "question"),
    ],
)
def test_a_field_of_another_form_is_named(name: str, old: str, new: str, field: str, tmp_path: Path) -> None:
    files = {path: text.replace(old, new) for path, text in PUBLISHED[name].items()}
    assert files != PUBLISHED[name]
    with pytest.raises(InputError, match=rf"(line|entry|') ?\d*.*field '{field}'"):
        load(name, write(files, tmp_path))
