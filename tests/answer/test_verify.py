from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon

TABLE = Path(__file__).parent.parent / "tables" / "altered_sentences.yaml"


@cache
def table() -> dict[str, list[dict[str, Any]]]:
    loaded: dict[str, list[dict[str, Any]]] = yaml.safe_load(TABLE.read_text("utf-8"))
    return loaded


@cache
def verifier() -> Verifier:
    return Verifier(Lexicon.load())


def verdict(statement: str, *quotes: str, strength: str | None = None) -> Verdict:
    return verifier().verify(statement, quotes, strength=strength).verdict


def kinds(statement: str, *quotes: str) -> set[str]:
    return {r.kind for r in verifier().verify(statement, quotes).reasons}


def test_the_table_is_large_and_its_items_differ() -> None:
    assert len(table()["altered"]) >= 120
    assert len(table()["accepted"]) >= 60
    assert len({i["kind"] for i in table()["altered"]}) == 13
    assert all(i["altered"] != i["source"] for i in table()["altered"])


@pytest.mark.parametrize("item", table()["altered"], ids=lambda i: f"{i['kind']}: {i['altered'][:60]}")
def test_an_altered_sentence_is_caught(item: dict[str, Any]) -> None:
    found = verifier().verify(item["altered"], [item["source"]])
    assert found.verdict is not Verdict.SUPPORTED
    assert found.reasons


@pytest.mark.parametrize("item", table()["accepted"], ids=lambda i: f"{i['kind']}: {i['variant'][:60]}")
def test_a_true_sentence_is_accepted(item: dict[str, Any]) -> None:
    found = verifier().verify(item["variant"], [item["source"]])
    assert found.verdict is Verdict.SUPPORTED, found.reasons


def alterations(source: str) -> Iterator[str]:
    """Each number times ten, mg for mcg and mcg for mg, "not" put in after and taken out before every verb."""
    for m in re.finditer(r"(?<![\w.^-])\d+(?:\.\d+)?(?![\w.^-]*[A-Za-z])", source):
        yield f"{source[: m.start()]}{float(m[0]) * 10:g}{source[m.end() :]}"
    for m in re.finditer(r"\b(?:mg|mcg)\b", source):
        yield source[: m.start()] + ("mcg" if m[0] == "mg" else "mg") + source[m.end() :]
    for m in re.finditer(r"\b(?:is|are|was|were|may|should|can|must|be)\b(?! not)", source):
        yield f"{source[: m.end()]} not{source[m.end() :]}"
    for m in re.finditer(r"\b(?:not|no|never) ", source):
        yield source[: m.start()] + source[m.end() :]


@pytest.mark.parametrize("source", sorted({i["source"] for i in table()["altered"]}))
def test_programmed_alterations_are_all_caught(source: str) -> None:
    missed = [altered for altered in alterations(source) if verdict(altered, source) is Verdict.SUPPORTED]
    assert missed == []


RENAL = (
    "Bivalirudin is cleared mainly by enzymatic proteolysis with about 20% excreted unchanged in urine and little "
    "dependence on the liver."
)


def test_the_evidence_itself_is_supported_in_full() -> None:
    found = verifier().verify(RENAL, [RENAL])
    assert (found.verdict, found.support, found.reasons, found.by) == (Verdict.SUPPORTED, 1.0, (), "rules")
    assert found.probability > 0.95


def test_a_sentence_of_a_longer_quote_is_supported() -> None:
    assert verdict(RENAL, f"Argatroban is not cleared by the kidneys. {RENAL} No trial exists.") is Verdict.SUPPORTED


def test_a_paraphrase_that_keeps_everything_is_supported() -> None:
    reworded = "Bivalirudin is mainly cleared by proteolysis, with roughly 20% excreted unchanged in urine."
    found = verifier().verify(reworded, [RENAL])
    assert found.verdict is Verdict.SUPPORTED
    assert found.support >= 0.75


def test_a_slice_that_loses_what_governs_it_is_caught() -> None:
    source = "It is wrong to say that watchful waiting is unsafe in men."
    assert verdict("Watchful waiting is unsafe in men.", source) is Verdict.CONTRADICTED
    assert "negation" in kinds("Watchful waiting is unsafe in men.", source)


def test_a_closing_clause_may_go_unless_it_turns_the_rest() -> None:
    kept = "Bivalirudin has no known antidote."
    assert verdict(kept, "Bivalirudin has no known antidote; the drug is haemodialysable.") is Verdict.SUPPORTED
    assert verdict(kept, "Bivalirudin has no known antidote; but dialysis removes it.") is not Verdict.SUPPORTED


def test_a_parenthesis_that_names_the_population_may_not_go() -> None:
    source = "Start argatroban at 0.5 mcg/kg/min (Child-Pugh B)."
    assert verdict("Start argatroban at 0.5 mcg/kg/min.", source) is not Verdict.SUPPORTED


def test_what_happened_to_one_patient_is_not_said_of_patients() -> None:
    source = "One patient with suspected HIT and Child-Pugh C cirrhosis needed argatroban 0.05 mcg/kg/min."
    assert "population" in kinds("Patients with Child-Pugh C cirrhosis need argatroban 0.05 mcg/kg/min.", source)
    assert verdict("One patient with Child-Pugh C cirrhosis needed argatroban 0.05 mcg/kg/min.", source)
    more = "Patients with Child-Pugh C cirrhosis needed argatroban 0.05 mcg/kg/min."
    assert verdict(more, source, more) is Verdict.SUPPORTED


def test_a_number_of_one_drug_is_not_lent_to_another() -> None:
    quotes = ("Apixaban 5 mg twice daily is given.", "Argatroban 2 mcg/kg/min is given.")
    assert verdict("Argatroban 5 mg twice daily.", *quotes) is not Verdict.SUPPORTED


def test_a_cause_is_more_than_an_association() -> None:
    source = "IVIG was associated with bleeding in patients with HIT."
    assert "modality" in kinds("IVIG causes bleeding in patients with HIT.", source)


def test_strength_may_come_from_the_passage() -> None:
    source = "ASH 2018 recommends stopping heparin in acute HIT."
    statement = "ASH 2018 recommends stopping heparin in acute HIT (strong recommendation)."
    assert verdict(statement, source) is not Verdict.SUPPORTED
    assert verdict(statement, source, strength="strong recommendation, moderate certainty") is Verdict.SUPPORTED
    assert verdict(statement, source, strength="conditional recommendation") is not Verdict.SUPPORTED


def test_nothing_is_supported_by_nothing() -> None:
    assert verdict("", RENAL) is Verdict.UNSUPPORTED
    assert verdict(RENAL) is Verdict.UNSUPPORTED
    assert verdict(RENAL, "  ") is Verdict.UNSUPPORTED
    assert kinds(RENAL) == {"empty"}


def test_other_matters_are_unsupported_not_contradicted() -> None:
    assert verdict("Aspirin prevents stroke in 12% of women.", RENAL) is Verdict.UNSUPPORTED


def test_half_covered_words_are_partial() -> None:
    source = "Heparin must be removed from every source in HIT."
    assert verdict("Heparin must be removed from intravenous lines and circuits in HIT.", source) is Verdict.PARTIAL


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("IVIG is first-line for HIT", "In refractory HIT, IVIG is used as an adjunct to anticoagulation."),
        (
            "argatroban is cleared by the kidneys",
            "Argatroban is eliminated mainly by hepatic metabolism with biliary excretion (about 65% in faeces).",
        ),
        (
            "HIT antibodies (anti-GPIIb/IIIa)",
            "HIT is caused by antibodies to PF4/heparin; antibodies to glycoprotein IIb/IIIa are typical of ITP and "
            "do not diagnose HIT.",
        ),
        (
            "the maximum dose of buprenorphine is 24 mg",
            "FDA: labels never set a maximum dose of buprenorphine, and doses above 24 mg/day may be appropriate.",
        ),
        ("Argatroban is safe in severe hepatic impairment", "Argatroban is contraindicated in severe liver failure."),
        ("Genotyping is required before IVIG", "Genotyping is not required before IVIG."),
        ("BPC-157 is approved by the FDA", "BPC-157 has no US FDA approval."),
        ("ASH recommends platelet transfusion in HIT", "ASH suggests against routine platelet transfusion in HIT."),
        ("ASH recommends IVIG in HIT", "None of the 33 ASH recommendations is for or against IVIG in HIT."),
        ("The maximum argatroban dose is 2 mcg/kg/min", "Argatroban in HIT: maximum dose 10 mcg/kg/min."),
        ("A serum creatinine of 490 mg/dL is possible", "A serum creatinine of 490 mg/dL is impossible."),
    ],
)
def test_evidence_contradicts_a_false_premise(claim: str, evidence: str) -> None:
    assert verifier().contradicts(claim, evidence) is not None


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("IVIG is first-line for HIT", "Argatroban is first-line for HIT, and IVIG inhibits platelet activation."),
        ("IVIG is used in HIT", "IVIG does not change HIT-antibody binding in the PF4 ELISA."),
        ("Argatroban is eliminated by the liver", "Argatroban is eliminated mainly by hepatic metabolism."),
        (
            "Argatroban is eliminated mainly by the liver",
            "Renal function had no clinically relevant effect on argatroban clearance without liver disease.",
        ),
        ("BPC-157 has no FDA approval", "BPC-157 has no US FDA approval."),
        ("Argatroban is contraindicated in pregnancy", "Argatroban is recommended in HIT."),
        ("Bivalirudin is safe in cirrhosis", "Argatroban is contraindicated in cirrhosis."),
        ("Argatroban is a direct thrombin inhibitor", "Argatroban acts on free and clot-bound thrombin."),
        ("", "Argatroban is not a heparin."),
    ],
)
def test_related_evidence_does_not_contradict(claim: str, evidence: str) -> None:
    assert verifier().contradicts(claim, evidence) is None


def test_true_sources_do_not_contradict_one_another() -> None:
    sources = sorted({i["source"] for i in table()["accepted"]})
    assert [(a, b) for a in sources for b in sources if a != b and verifier().contradicts(a, b)] == []


@pytest.mark.parametrize(
    ("statement", "quote"),
    [
        (
            "Brindleweed is a possible treatment for mild anxiety.",
            "Tansyroot is a possible treatment for mild anxiety.",
        ),
        (
            "A possible treatment for mild anxiety is brindleweed.",
            "A possible treatment for mild anxiety is tansyroot.",
        ),
    ],
)
def test_a_name_that_no_lexicon_knows_is_not_swapped_at_an_end(statement: str, quote: str) -> None:
    assert verdict(statement, quote) is not Verdict.SUPPORTED
