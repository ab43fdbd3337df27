"""Every measure by name: what it says, which way is better, and whether a judge's opinion is in it.

A log, a report and a gate show a measure under its name here and nothing else is scored; a test compares this table
with what the scorers give.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Better = Literal["higher", "lower", None]
#: What stands before a stage's name in measures of its time.
STAGE = "stage_ms."
#: What stands before a class's name in measures of that class alone.
CLASS = "class."
#: Beginnings of the names of measures of cost.
_COSTS = ("seconds", STAGE, "memory_mb", "tokens_")


class Measure(NamedTuple):
    """``judged`` names what the judge decided: whether a claim is said, or whether a citation supports; else empty."""

    what: str
    better: Better = "higher"
    judged: Literal["claims", "citations", ""] = ""


MEASURES: dict[str, Measure] = {
    # answers against a reference article
    "claim_recall": Measure("share of the reference's claims that the answer says", judged="claims"),
    "claim_recall_must": Measure("the same, claims without which an answer is wrong", judged="claims"),
    "claim_recall_nice": Measure("the same, the other claims", judged="claims"),
    "claim_precision": Measure("length of the claims that the answer says, as a share of its own", judged="claims"),
    "contradictions": Measure("claims of the reference that the answer denies", "lower", "claims"),
    "values_recall": Measure("share of the claims' numbers and units that the answer gives", judged="claims"),
    "errata_repeated": Measure("share of the reference's known errors that the answer repeats", "lower", "claims"),
    "errata_corrected": Measure("share of the reference's known errors whose correction the answer says",
                                judged="claims"),
    "section_coverage": Measure("share of the reference's sections that the answer has"),
    "related_coverage": Measure("share of the reference's related questions that the answer has one like"),
    "related_off_topic": Measure("share of the answer's related questions that are about something else", "lower"),
    "citation_recall": Measure("share of statements that their citations support (ALCE)", judged="citations"),
    "citation_precision": Measure("share of citations that are needed and support (ALCE)", judged="citations"),
    "unsupported_statements": Measure("statements that their citations do not support", "lower", "citations"),
    "unsupported_share": Measure("the same as a share of all statements", "lower", "citations"),
    "citations_checked": Measure("share of statements whose citations could be checked, or that have none"),
    "structure": Measure("share of what an article should have: bottom line first, pitfalls, disclaimer, references"),
    "worded": Measure("share of statements in the words of the language model, where Osler is given one", None),
    "reading_grade": Measure("Flesch-Kincaid grade", None),
    "words": Measure("words of the answer", None),
    "sentences": Measure("sentences of the answer", None),
    # answers against reference answers
    **{f"{name}_{part}": Measure(f"{name.upper()} {part} against the reference answers")
       for name in ("rouge1", "rouge2", "rougeL", "rougeSU4") for part in ("f1", "recall")},
    **{f"short_{name}_f1": Measure(f"{name.upper()} f1 of bottom line and first section against the reference answers")
       for name in ("rouge2", "rougeL")},
    "short_words": Measure("words of bottom line and first section", None),
    "evidence_precision": Measure("share of what is quoted that the owners marked as evidence"),
    "evidence_recall": Measure("share of what the owners marked as evidence that is quoted"),
    "evidence_f1": Measure("F1 of what is quoted against what the owners marked as evidence"),
    "similarity": Measure("cosine of the embeddings of answer and reference answer"),
    "completeness": Measure("K-QA: share of must-have statements that the answer says", judged="claims"),
    "hallucinations": Measure("K-QA: statements of the reference that the answer denies", "lower", "claims"),
    "accuracy": Measure("share with the right decision, option or class; none counts as wrong"),
    "decided": Measure("share in which a decision, option or class was given"),
    "macro_f1": Measure("mean F1 of the right classes; no decision is wrong, and no class of its own"),
    "kappa": Measure("Cohen's kappa of given and right classes"),
    "majority": Measure("accuracy of always giving the commonest class, for comparison", None),
    "named": Measure("share in which the system named the entities asked for"),
    "factoid_strict": Measure("BioASQ: the first entity named is right"),
    "factoid_lenient": Measure("BioASQ: one of the first five entities named is right"),
    "factoid_mrr": Measure("BioASQ: reciprocal rank of the right entity among the first five"),
    "list_precision": Measure("BioASQ: share of the entities named that are right"),
    "list_recall": Measure("BioASQ: share of the right entities that were named"),
    "list_f1": Measure("BioASQ: F1 of the entities named"),
    "mentioned": Measure("share of the right entities whose name stands in the answer's words"),
    "rubric": Measure("HealthBench: points of the rubric, of those that can be had", judged="claims"),
    # verifier
    "auc": Measure("area under the ROC curve of the confidence that evidence supports"),
    "ece": Measure("expected calibration error of that confidence, ten bins of equal width", "lower"),
    "brier": Measure("mean squared error of that confidence", "lower"),
    "altered_caught": Measure("share of altered sentences that are not called supported"),
    "true_accepted": Measure("share of true sentences that are called supported"),
    # abstention
    "answered": Measure("share of answerable questions that are answered"),
    "abstained": Measure("share of unanswerable questions that are not answered"),
    "pertinent_first": Measure("share whose bottom line says one of the expected claims", judged="claims"),
    "premise_corrected": Measure("share of false premises against which the bottom line says a correcting fact",
                                 judged="claims"),
    "premise_called_false": Measure("share of false premises that the system itself marks as wrong"),
    "premise_left_alone": Measure("share of true premises that the system does not mark as wrong"),
    "risk": Measure("share of the must claims that an answer does not say; 1 for an answer to what has none", "lower",
                    "claims"),
    "aurc": Measure("area under the risk-coverage curve of what was answered, of the measure risk", "lower", "claims"),
    "eaurc": Measure("the same less that of a perfect order", "lower", "claims"),
    # robustness
    "same_outcome": Measure("share with the outcome of the question as first put"),
    "same_statements": Measure("statements in common with the question as first put, of all in either (Jaccard)"),
    "same_bottom_line": Measure("the same of the bottom line"),
    "obeyed": Measure("share in which an instruction hidden in question or passage was obeyed", "lower"),
    # retrieval
    "nDCG@10": Measure("normalised discounted cumulative gain at 10"),
    "AP": Measure("average precision"),
    "RR": Measure("reciprocal rank of the first relevant document"),
    "R@10": Measure("recall at 10"),
    "R@100": Measure("recall at 100"),
    "P@5": Measure("precision at 5"),
    "P@10": Measure("precision at 10"),
    "Success@1": Measure("share with a relevant document first"),
    "Success@10": Measure("share with a relevant document among ten"),
    "Judged@10": Measure("share of the first ten documents that were judged", None),
    **{f"span@{k}": Measure(f"share with the words that answer in one of the first {k} passages") for k in (1, 5, 10)},
    # cost
    "failed": Measure("share of items on which the system failed", "lower"),
    "seconds": Measure("wall time of an answer", "lower"),
    "seconds_p50": Measure("median wall time of an answer", "lower"),
    "seconds_p95": Measure("95th percentile of the wall time of an answer", "lower"),
    "seconds_p99": Measure("99th percentile of the wall time of an answer", "lower"),
    "tokens_prompt": Measure("tokens of the prompt", "lower"),
    "tokens_completion": Measure("tokens of the completion", "lower"),
    "memory_mb": Measure("peak resident memory of the harness's process, which an in-process system shares", "lower"),
}  # fmt: skip


def measure(name: str) -> Measure:
    """What a name means. Raises ``KeyError`` for a name that is not in the table."""
    if name.startswith(STAGE):
        stage, _, share = name.removeprefix(STAGE).rpartition(".")
        return Measure(f"{share} of the time of {stage}, in ms", "lower")
    if name.startswith(CLASS):
        label, _, part = name.removeprefix(CLASS).rpartition(".")
        return Measure(f"{part} of the class {label}")
    return MEASURES[name]


def is_cost(name: str) -> bool:
    """Whether a measure is of time, tokens or memory, which depend on the machine and are never twice the same."""
    return name.startswith(_COSTS)
