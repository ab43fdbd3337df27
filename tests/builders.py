"""Valid answers made by hand, for tests of what is done with an answer.

Sources and statements are the corpus's own: argatroban in heparin-induced thrombocytopenia (HIT) with cirrhosis.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from rag.answer.references import reference
from rag.domain import (
    Answer,
    Branch,
    Disagreement,
    Evidence,
    EvidenceType,
    Gap,
    GlossaryEntry,
    Needed,
    Outcome,
    Position,
    Receipt,
    Role,
    Section,
    Source,
    Statement,
    Verdict,
)

QUESTION = "Should IVIG be given to a patient with HIT, cirrhosis and renal impairment who is on argatroban?"
DISCLAIMER = "For healthcare professionals. No clinician has reviewed this text. Verify it against current sources."

CUKER_2018 = Source(
    key="cuker2018",
    title="American Society of Hematology 2018 guidelines for management of venous thromboembolism: "
    "heparin-induced thrombocytopenia",
    evidence_type=EvidenceType.GUIDELINE,
    jurisdiction="US",
    authors=("Cuker A", "Arepally GM", "Chong BH", "Cines DB", "Greinacher A", "Gruel Y"),
    et_al=True,
    container="Blood Advances",
    year=2018,
    volume="2",
    issue="22",
    pages="3360-3392",
    doi="10.1182/bloodadvances.2018024489",
    pmid="30482768",
    url="https://ashpublications.org/bloodadvances/article/2/22/3360/16129",
    issuing_body="American Society of Hematology",
    as_of="2018; reviewed Feb 2022, not revised",
)
LABEL_US = Source(
    key="label_argatroban_us",
    title="Argatroban injection - US prescribing information",
    evidence_type=EvidenceType.DRUG_LABEL,
    jurisdiction="US",
    year=2017,
    url="https://fda.report/DailyMed/e5ccb93c-f411-4e7e-824a-4a592b4947ec",
    issuing_body="US Food and Drug Administration",
    as_of="Gland Pharma label revised 5/2017",
)
LABEL_UK = Source(
    key="smpc_argatroban_uk",
    title="Exembol 1 mg/ml solution for infusion - Summary of Product Characteristics",
    evidence_type=EvidenceType.DRUG_LABEL,
    jurisdiction="GB",
    authors=("Ethypharm UK Ltd",),
    container="electronic Medicines Compendium (UK)",
    year=2024,
    url="https://www.medicines.org.uk/emc/product/16026/smpc",
    issuing_body="MHRA",
    as_of="2024-11-14",
)
SOURCES = (CUKER_2018, LABEL_US, LABEL_UK)


def make_evidence(source_id: str = "cuker2018", quote: str = "A quote.", **changes: Any) -> Evidence:
    fields: dict[str, Any] = {"label": "E1", "passage_id": f"{source_id}:p1", "start": 0, "end": len(quote)}
    return Evidence(**{**fields, "source_id": source_id, "quote": quote, "score": 0.9, **changes})


def make_statement(text: str, *numbers: int, role: Role = Role.RATIONALE, **changes: Any) -> Statement:
    """A statement quoted from ``SOURCES`` by their numbers, the first unless given."""
    numbers = numbers or (1,)
    fields: dict[str, Any] = {
        "statement_id": f"s-{crc32(text.encode()):08x}",
        "text": text,
        "role": role,
        "citations": numbers,
        "evidence": tuple(make_evidence(SOURCES[number - 1].key, text) for number in numbers),
        "verdict": Verdict.SUPPORTED,
        "support": 0.97,
        "origin": "quoted",
    }
    return Statement(**{**fields, **changes})


def make_receipt() -> Receipt:
    return Receipt(
        snapshot_id="3f9a1c0b7d2e",
        corpus_digest="c0ffee",
        settings_digest="5e771465",
        software="osler 0.1.0",
        models={"encoder": "all-MiniLM-L6-v2"},
        retrieved=("cuker2018:p1",),
        timings_ms={"retrieve": 12.5},
    )


def make_answer(**changes: Any) -> Answer:
    """An answer that has every part; ``changes`` replace whole fields."""
    fields: dict[str, Any] = {
        "answer_id": "a-1",
        "question": QUESTION,
        "outcome": Outcome.ANSWERED,
        "title": "IVIG is not part of initial HIT treatment",
        "bottom_line": (_bottom_line(),),
        "sections": (_rationale(), _dosing()),
        "disagreements": (_disagreement(),),
        "gaps": (
            Gap(aspect="Combined cirrhosis and renal failure", reason="No trial or guideline addresses HIT in both."),
        ),
        "needed": (_needed(),),
        "references": tuple(reference(number, source) for number, source in enumerate(SOURCES, start=1)),
        "related_questions": ("Which anticoagulant suits HIT in hepatic impairment?",),
        "glossary": (GlossaryEntry(term="HIT", meaning="heparin-induced thrombocytopenia"),),
        "disclaimer": DISCLAIMER,
        "receipt": make_receipt(),
    }
    return Answer(**{**fields, **changes})


def make_abstained(**changes: Any) -> Answer:
    """An answer that abstains, with its reason, the nearest passage and a gap."""
    fields: dict[str, Any] = {
        "answer_id": "a-2",
        "question": "Which sunscreen suits a toddler?",
        "outcome": Outcome.ABSTAINED,
        "reason": "No passage in the corpus speaks to sunscreen.",
        "title": "Which sunscreen suits a toddler?",
        "gaps": (Gap(aspect="sunscreen", reason="Not in the corpus."),),
        "nearest": (make_evidence(quote="Argatroban is cleared by the liver.", heading="Pharmacology", page=4),),
        "disclaimer": DISCLAIMER,
        "receipt": make_receipt(),
    }
    return Answer(**{**fields, **changes})


def _bottom_line() -> Statement:
    text = (
        "For acute HIT, with or without thrombosis, ASH 2018 recommends stopping heparin and starting a non-heparin "
        "anticoagulant; IVIG is not among the listed options."
    )
    return make_statement(text, role=Role.BOTTOM_LINE, strength="strong", certainty="moderate")


def _rationale() -> Section:
    quote = "ASH 2018 suggests argatroban, bivalirudin, danaparoid, fondaparinux or a DOAC for acute HIT."
    suggested = make_statement(
        "ASH 2018 suggests argatroban, bivalirudin, danaparoid, fondaparinux or a DOAC for acute HIT (conditional "
        "recommendation) and does not rank one agent above the others for all patients.",
        evidence=(make_evidence(quote=quote, heading="Recommendation 3.1", page=3364),),
        origin="condensed",
        strength="conditional",
        certainty="very low",
    )
    return Section(heading="Why IVIG is not indicated here", role=Role.RATIONALE, statements=(suggested,))


def _dosing() -> Section:
    clearance = make_statement("Argatroban is cleared by the liver, so its effect lasts longer in cirrhosis.", 2, 3)
    arithmetic = make_statement("At 80 kg, 0.5 mcg/kg/min is 2.4 mg/h.", 2, derived=True, role=Role.DOSING)
    return Section(heading="What to do instead", role=Role.DOSING, statements=(clearance, arithmetic))


def _allowed() -> Statement:
    text = "In moderate or severe hepatic impairment (Child-Pugh score >6) start argatroban at 0.5 mcg/kg/min."
    return make_statement(text, 2, role=Role.DOSING)


def _contraindicated() -> Statement:
    return make_statement("Argatroban is contraindicated in severe hepatic impairment.", 3, role=Role.DOSING)


def _disagreement() -> Disagreement:
    return Disagreement(
        topic="Argatroban in Child-Pugh C",
        positions=(
            Position(
                statement=_allowed(), issuing_body="US Food and Drug Administration", jurisdiction="US", year=2017
            ),
            Position(statement=_contraindicated(), issuing_body=None, jurisdiction="GB", year=2024),
        ),
    )


def _needed() -> Needed:
    return Needed(
        variable="Child-Pugh class",
        why="The starting dose of argatroban depends on it.",
        branches=(
            Branch(value="B", statement=_allowed()),
            Branch(value="C", statement=_contraindicated(), note="UK product information; the US label differs."),
        ),
    )
