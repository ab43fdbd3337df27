"""Tiny examples in the form in which each set's owners publish, written here: none of it is anybody's data.

``PUBLISHED`` and ``PREPARED``: files by path, by name of the set. The frogs are clockwork.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Files = dict[str, str]


def write(files: Files, folder: Path) -> Path:
    """The folder with the files in it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_BEIR = {
    "corpus.jsonl": lines(
        {"_id": "d1", "title": "Oil", "text": "Oil keeps clockwork frogs hopping.", "metadata": {}},
        {"_id": "d2", "title": "Sand", "text": "Sand stops them.", "metadata": {}},
    ),
    "queries.jsonl": lines(
        {"_id": "q1", "text": "What keeps clockwork frogs hopping?", "metadata": {}},
        {"_id": "q2", "text": "What stops them?", "metadata": {}},
        {"_id": "q3", "text": "Who winds them?", "metadata": {}},
    ),
}
_QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\n"

_BIOASQ = {
    "questions": [
        {"id": "a1", "body": " Do frogs hop? ", "type": "yesno", "ideal_answer": ["They do.", "Yes."],
         "exact_answer": "Yes", "documents": ["http://www.ncbi.nlm.nih.gov/pubmed/111"],
         "snippets": [{"text": "Frogs hop.", "document": "http://www.ncbi.nlm.nih.gov/pubmed/222"}]},
        {"id": "a2", "body": "Which oil?", "type": "factoid", "ideal_answer": "Whale-free oil.",
         "exact_answer": ["clock oil", "fine oil"], "documents": [], "snippets": []},
        {"id": "a3", "body": "Which parts?", "type": "list", "ideal_answer": ["Springs, cogs."],
         "exact_answer": [["spring", "coil"], ["cog"]], "documents": [], "snippets": []},
        {"id": "a4", "body": "Why?", "type": "summary", "ideal_answer": ["Because."], "documents": []},
    ]
}  # fmt: skip

_EXPERTQA = lines(
    {"question": "How are frogs wound?", "metadata": {"field": "Horology", "question_type": "how"}, "answers": {
        "sys_a": {"answer_string": "With a key [1].", "revised_answer_string": "With a small key [1].", "claims": [
            {"claim_string": "Frogs are wound with a key.", "support": "Complete",
             "evidence": ["[1] https://frogs.example\n\nA key winds the frog."]},
            {"claim_string": "The key is gold.", "support": "Incomplete",
             "evidence": ["[1] https://frogs.example\n\nA key winds the frog."]},
            {"claim_string": "Only an address.", "support": "Complete", "evidence": ["[2] https://frogs.example/2"]},
            {"claim_string": "No evidence.", "support": "Missing", "evidence": []},
            {"claim_string": "Not labelled.", "support": None, "evidence": ["[1] https://frogs.example\n\nA key."]}]}}},
    {"question": "How are they stored?", "metadata": {"field": "Storage"}, "answers": {
        "sys_b": {"answer_string": "Dry.", "revised_answer_string": "Dry.", "claims": [
            {"claim_string": "Dry.", "support": "Partial", "evidence": ["[1] https://frogs.example\n\nKeep dry."]}]}}},
)  # fmt: skip

_JUDGED = [
    {"question_id": "116", "question": "Why do frogs squeak?", "expert_curated_answer": "They lack oil [111].",
     "machine_generated_answers": {"M1": {"answer": "Rust.", "answer_sentences": [
         {"answer_sentence": "Rust.", "citation_assessment": [
             {"cited_pmid": "111", "evidence_relation": "neutral"},
             {"cited_pmid": "222", "evidence_relation": "not relevant"},
             {"cited_pmid": "x", "evidence_relation": "invalid citation"}]},
         {"answer_sentence": "Oil.", "citation_assessment": [
             {"cited_pmid": "111", "evidence_relation": "supporting"}]},
         {"answer_sentence": "Uncited.", "citation_assessment": None}]}}},
]  # fmt: skip

_LIVEQA_TEST = """<?xml version="1.0" encoding="UTF-8"?>
<LiveQA><!-- ours -->
<NLM-QUESTION qid="TQ1"><Original-Question qfile="1.txt"><Subject>frog</Subject>
<Message> It squeaks. What now? </Message></Original-Question>
<Annotations><Q-Type tid="T1">TREATMENT</Q-Type></Annotations><ReferenceAnswers>
<RefAnswer aid="A1"><Answer>Oil it.</Answer></RefAnswer>
<ReferenceAnswer aid="A2"><Answer>Oil &amp; wait.</Answer></ReferenceAnswer></ReferenceAnswers></NLM-QUESTION>
</LiveQA>
"""
_LIVEQA_TRAIN = """<NLM-QUESTIONS><NLM-QUESTION questionid="Q1"><SUBJECT></SUBJECT><MESSAGE>How to wind?</MESSAGE>
<SUB-QUESTIONS><SUB-QUESTION subqid="Q1-S1"><ANNOTATIONS><FOCUS>frog</FOCUS><TYPE>usage</TYPE></ANNOTATIONS>
<ANSWERS><ANSWER answerid="Q1-S1-A1">With the key.</ANSWER></ANSWERS></SUB-QUESTION></SUB-QUESTIONS></NLM-QUESTION>
</NLM-QUESTIONS>
"""
_MEDQUAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document id="0000001" source="FrogGov" url="https://frogs.example"><Focus>Frogs</Focus><QAPairs>
<QAPair pid="1"><Question qid="0000001-1" qtype="information">What is a frog ?</Question>
<Answer>A toy.</Answer></QAPair>
<QAPair pid="2"><Question qid="0000001-2" qtype="usage">How is it used ?</Question><Answer>By winding.</Answer></QAPair>
<QAPair pid="3"><Question qid="0000001-3" qtype="cost">What does it cost ?</Question><Answer/></QAPair>
</QAPairs></Document>
"""
_MEDIQA_QA = """<Set><Question QID="1"><QuestionText>What is a frog?</QuestionText><AnswerList>
<Answer AID="1_Answer1" SystemRank="1" ReferenceRank="2" ReferenceScore="1"><AnswerText>A car.</AnswerText></Answer>
<Answer AID="1_Answer2" SystemRank="2" ReferenceRank="1" ReferenceScore="4"><AnswerText>A toy.</AnswerText></Answer>
</AnswerList></Question></Set>
"""
_RQE = """<Set><pair pid="1" value="true"><chq>Please tell me of frogs.</chq><faq>What is a frog ?</faq></pair>
<pair pid="2" value="false"><chq>Please tell me of frogs.</chq><faq>What is sand ?</faq></pair></Set>
"""

PUBLISHED: dict[str, Files] = {
    "beir": {**_BEIR, "qrels/test.tsv": _QRELS},
    "mediqa2019_qa": {
        "MEDIQA_Task3_QA/MEDIQA2019-Task3-QA-TrainingSet2-Alexa.xml": _MEDIQA_QA,
        "MEDIQA_Task3_QA/MEDIQA2019-Task3-QA-TestSet-wLabels.xml": _MEDIQA_QA,
    },
    "alce": {
        "asqa_eval_gtr_top100.json": json.dumps([
            {"sample_id": "s1", "question": "Which frog won?", "answer": "The green, then the blue.",
             "annotations": [{"knowledge": [], "long_answer": "Green in spring, blue in autumn."}],
             "qa_pairs": [{"question": "In spring?", "short_answers": ["green", "the green one"]}],
             "docs": [{"id": "1", "title": "Races", "text": "Green won.", "score": 1.0}] * 6}]),
        "qampari_eval_gtr_top100.json": json.dumps([
            {"id": "p1", "question": "Which colours?", "answers": [["green", "verdant"], ["blue"]], "docs": []}]),
        "eli5_eval_bm25_top100.json": json.dumps([
            {"question": "Why do they hop?", "answer": "A spring.", "claims": ["A spring is in them."], "docs": []}]),
    },
    "bioasq": {"training.json": json.dumps(_BIOASQ)},
    "biogen": {
        "BioGen2024topics-json.txt": json.dumps({"topics": [
            {"id": "116", "topic": "squeaks", "question": "Why do frogs squeak?", "narrative": "The cause."},
            {"id": "117", "topic": "rust", "question": "Why do frogs rust?", "narrative": "The cause."}]}),
        "biogen_collection.json": json.dumps(_JUDGED),
        "taskA.json": json.dumps([
            {"meta_data": {"qa_id": "118", "question": "Why do frogs stop?"}, "answer": [
                {"text": "The spring is slack.", "existing_supported_citations": [333]},
                {"text": "Wind it.", "existing_supported_citations": None}]}]),
    },
    "covidqa": {"COVID-QA.json": json.dumps({"data": [{"paragraphs": [
        {"context": "A frog hops when wound.", "document_id": 7, "qas": [
            {"id": 1, "question": "When does a frog hop?", "answers": [{"text": "when wound", "answer_start": 12}]},
            {"id": 2, "question": "What hops?", "answers": [{"text": "A frog", "answer_start": 0}]}]}]}]})},
    "expertqa": {"r2_compiled_anon.jsonl": _EXPERTQA},
    "expertqa_questions": {"r2_compiled_anon.jsonl": _EXPERTQA},
    "healthbench": {"2025_oss_eval.jsonl": lines(
        {"prompt_id": "h1", "example_tags": ["theme:winding", "group:x"], "ideal_completions_data": None,
         "prompt": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day."},
                    {"role": "user", "content": "How do I wind my frog?"}],
         "rubrics": [{"criterion": "Says clockwise", "points": 5, "tags": ["axis:accuracy"]},
                     {"criterion": "Says to use a hammer", "points": -8, "tags": []}]},
        {"prompt_id": "h2", "prompt": [{"role": "user", "content": "And oil?"}], "example_tags": [],
         "rubrics": [{"criterion": "Says a drop", "points": 1.5, "tags": []}],
         "ideal_completions_data": {"ideal_completion": "A drop."}})},
    "kqa": {"dataset/questions_w_answers.jsonl": lines(
        {"Question": "How much oil?", "Free_form_answer": "A drop, monthly.", "Must_have": ["One drop", "Monthly"],
         "Nice_to_have": ["Wipe it"], "Sources": "https://frogs.example", "ICD_10_diag": None},
        {"Question": "Which oil?", "Free_form_answer": "Clock oil.", "Must_have": ["Clock oil"], "Nice_to_have": []})},
    "liveqa": {
        "TestDataset/TREC-2017-LiveQA-Medical-Test.xml": _LIVEQA_TEST,
        "TrainingDatasets/TREC-2017-LiveQA-Medical-Train-1.xml": _LIVEQA_TRAIN,
    },
    "medicationqa": {"MedInfo2019-QA-Medications.csv":
        "Question,Focus (Drug),Question Type,Answer,Section Title,URL\n"
        "how much clock oyl,clock oil,Dose,One drop.,Use,https://frogs.example\n"
        '"is it, then, safe",clock oil,Safety,"Yes,\nfor frogs.",Use,https://frogs.example\n'},
    "mediqa_mas": {
        "Task2/Validation/Set_ValidationSet_ShortQuestions.txt": "3||Does oil help?\n4||Does sand help?\n",
        "Task2/Validation/Set_ValidationSet_MultiAbstrativeSummaries.txt": "3||It does.\n4||It does not.\n",
        "Task2/Validation/Set_ValidationSet_MultiExtractiveSummaries.txt": "3||Oil helps.\n4||Sand harms.\n",
        "question_driven_answer_summarization_primary_dataset.json": json.dumps({"9": {
            "question": "What is a frog?", "multi_abs_summ": "A toy.", "multi_ext_summ": "Frogs are toys.",
            "answers": {"9_Answer1": {"article": "Frogs are toys.", "rating": "4-Excellent"}}}}),
    },
    "medquad": {"1_FrogGov_QA/0000001.xml": _MEDQUAD},
    "mirage": {"benchmark.json": json.dumps({
        "medqa": {"0000": {"question": "Which is a frog?", "options": {"A": "toy", "B": "stone"}, "answer": "A"}},
        "pubmedqa": {"1": {"question": "Do frogs hop?", "options": {"A": "yes", "B": "no", "C": "maybe"},
                           "answer": "A"}}})},
    "pubmedqa": {
        "data/ori_pqal.json": json.dumps({
            number: {"QUESTION": f"Do frogs of type {number} hop?", "CONTEXTS": ["We wound frogs.", "They hopped."],
                     "LABELS": [], "YEAR": "2020", "final_decision": label, "LONG_ANSWER": "Wound frogs hop."}
            for number, label in (("11", "yes"), ("12", "no"), ("13", "maybe"))}),
        "data/test_ground_truth.json": json.dumps({"11": "yes", "13": "maybe"}),
    },
    "evidence_inference": {
        "prompts_merged.csv": "PromptID,PMCID,Outcome,Intervention,Comparator\n1,55,hops,oil,sand\n2,55,rust,oil,sand\n"
                              "3,56,hops,wax,oil\n",
        "annotations_merged.csv":
            "UserID,PromptID,PMCID,Valid Label,Valid Reasoning,Label,Annotations,Label Code,In Abstract\n"
            "0,1,55,True,True,significantly increased,Oil gave more hops.,1,True\n"
            "1,1,55,True,True,significantly increased,More hops with oil.,1,True\n"
            "2,1,55,True,True,no significant difference,Hops differed little.,0,True\n"
            "0,2,55,True,True,significantly decreased,Less rust with oil.,-1,True\n"
            "0,3,56,False,True,significantly decreased,Not valid.,-1,True\n",
    },
    "healthver": {
        "data/healthver_dev.csv": "id,evidence,claim,label,topic_ip,question\n"
                                  '7,"Oil, they found, helps.",Oil helps frogs,Supports,1,does oil help\n'
                                  "7,Sand was not studied.,Sand helps frogs,Neutral,1,does sand help\n",
        "data/healthver_test.csv": "id,evidence,claim,label,topic_ip,question\n"
                                   "7,Sand stops frogs.,Sand helps frogs,Refutes,1,does sand help\n",
    },
    "kqa_nli": {"dataset/NLI_medical_annotator.csv":
        ",Question,llm_x,answer,claim,category_x,majority_label,label_0,label_1,label_2\n"
        "0,How much oil?,m,One drop.,One drop,Must_have,Entailment,Entailment,Entailment,Neutral\n"
        "1,How much oil?,m,One drop.,A litre,Nice_to_have,Contradiction,Neutral,Contradiction,Contradiction\n"},
    "rqe": {"MEDIQA_Task2_RQE/MEDIQA2019-Task2-RQE-TestSet-wLabels.xml": _RQE},
    "scifact": {
        "data/claims_train.jsonl": lines(
            {"id": 1, "claim": "Oil helps frogs.", "cited_doc_ids": [10, 20], "evidence": {
                "10": [{"sentences": [2], "label": "SUPPORT"}, {"sentences": [0], "label": "SUPPORT"}]}}),
        "data/claims_dev.jsonl": lines(
            {"id": 2, "claim": "Oil harms frogs.", "cited_doc_ids": [10],
             "evidence": {"10": [{"sentences": [2], "label": "CONTRADICT"}]}}),
        "data/corpus.jsonl": lines(
            {"doc_id": 10, "title": "Oil", "abstract": ["We oiled.", "We waited.", "Frogs hopped."]},
            {"doc_id": 20, "title": "Sand", "abstract": ["We sanded."]}),
    },
}  # fmt: skip


def prepared(queries: list[dict[str, Any]], answers: list[dict[str, Any]], qrels: str = "", corpus: str = "") -> Files:
    files = {"queries.jsonl": lines(*queries), "answers.jsonl": lines(*answers)}
    return files | ({"qrels.tsv": qrels} if qrels else {}) | ({"corpus.jsonl": corpus} if corpus else {})


def _query(number: int, **metadata: Any) -> dict[str, Any]:
    return {"_id": f"q{number}", "text": f" What is frog {number}? ", "metadata": metadata}


_TWO = [_query(1, type="factoid", qtype="what", doc="d1"), _query(2, type="list", qtype="what", doc="d2")]
_ANSWERS = [
    {"_id": "q1", "reference": "A toy.", "references": ["A toy.", "A plaything."], "must_have": ["It is a toy"],
     "nice_to_have": ["It is green"], "must_have_gpt4": ["Not ours"], "exact": [["toy", "plaything"]],
     "snippets": [{"text": "Frogs are toys."}]},
    {"_id": "q2", "reference": "A toy too.", "must_have": [], "exact": None},
]  # fmt: skip
_PLAIN = prepared(_TWO, _ANSWERS, _QRELS, _BEIR["corpus.jsonl"])
_SYSTEMS = [
    {"_id": "q1", "reference": "Toy.", "must_have": [], "systems": {"a": {"answer": "Toy.", "revised": "A toy.",
     "claims": [{"claim": "It is a toy.", "support": "Complete", "evidence": ["[1] https://f.example\n\nA toy."]}]}}},
    {"_id": "q2", "reference": "Toy.", "must_have": [], "systems": {"b": {"answer": "A stone.", "revised": "A toy.",
     "claims": [{"claim": "A stone.", "support": "Partial", "evidence": ["[1] https://f.example\n\nA toy."]}]}}},
]  # fmt: skip
_LABELLED = [{"_id": "q1", "label": "Supports"}, {"_id": "q2", "label": "Refutes"}]

PREPARED: dict[str, Files] = {
    **dict.fromkeys(("beir", "bioasq", "covidqa", "kqa", "medicationqa", "mediqa_mas", "medquad", "scholarqa"), _PLAIN),
    "mediqa2019_qa": {name: text for name, text in _PLAIN.items() if name != "answers.jsonl"},
    "pubmedqa": prepared(
        _TWO, [{"_id": "q1", "label": "yes"}, {"_id": "q2", "label": "Maybe"}], _QRELS, _PLAIN["corpus.jsonl"]
    ),
    "expertqa": prepared(_TWO, _SYSTEMS, _QRELS, _PLAIN["corpus.jsonl"]),
    "expertqa_questions": prepared(_TWO, _SYSTEMS, _QRELS, _PLAIN["corpus.jsonl"]),
    "healthver": prepared([_query(n, part="dev", evidence="Toys.", question="what") for n in (1, 2)], _LABELLED),
    "kqa_nli": prepared(
        [_query(n, kqa_id="k", answer="A toy.", statement=f"Toy {n}", kind="Must_have") for n in (1, 2)],
        [{"_id": "q1", "label": "Entailment"}, {"_id": "q2", "label": "Neutral"}],
    ),
    "rqe": prepared(
        [_query(n, part="val", faq="What is a frog?") for n in (1, 2)],
        [{"_id": "q1", "label": "true"}, {"_id": "q2", "label": "false"}],
    ),
    "evidence_inference": prepared(
        [_query(n, pmc="55", official_split="test") for n in (1, 2, 3)],
        [{"_id": f"q{n}", "label": "significantly increased", "evidence": [{"text": " More hops. "}]} for n in (1, 2)],
    ),
    "scifact": prepared(
        [_query(1, beir_split="test"), _query(2, beir_split="test")],
        [{"_id": "q1", "label": "SUPPORT", "evidence": [
            {"doc": "d1", "label": "SUPPORT", "sentences": [0], "text": ["Oil keeps clockwork frogs hopping."]}]},
         {"_id": "q2", "label": "NOT_ENOUGH_INFO", "evidence": []}],
        _QRELS, _PLAIN["corpus.jsonl"],
    ),
}  # fmt: skip
