from __future__ import annotations

import re
from typing import Any

import pytest
from builders import CUKER_2018, LABEL_US

from rag.answer.references import Numbering, link, reference, vancouver
from rag.domain import EvidenceType, Source

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "journal article, more than six authors by flag": (
        CUKER_2018.model_dump(exclude={"key"}),
        "Cuker A, Arepally GM, Chong BH, Cines DB, Greinacher A, Gruel Y, et al. American Society of Hematology 2018 "
        "guidelines for management of venous thromboembolism: heparin-induced thrombocytopenia. Blood Advances. "
        "2018;2(22):3360-3392. doi:10.1182/bloodadvances.2018024489 PMID: 30482768",
    ),
    "ten authors in the record": (
        {
            "authors": tuple(
                "Carlin S|Cuker A|Gatt A|Gendron N|Hernandez-Gea V|Meijer K|Siegal DM|Stanworth S|Lisman T|"
                "Roberts LN".split("|")
            ),
            "title": "Anticoagulation for stroke prevention in atrial fibrillation and treatment of venous "
            "thromboembolism and portal vein thrombosis in cirrhosis: guidance from the SSC of the ISTH",
            "container": "Journal of Thrombosis and Haemostasis",
            "year": 2024,
            "volume": "22",
            "issue": "9",
            "pages": "2653-2669",
            "doi": "10.1016/j.jtha.2024.05.023",
        },
        "Carlin S, Cuker A, Gatt A, Gendron N, Hernandez-Gea V, Meijer K, et al. Anticoagulation for stroke "
        "prevention in atrial fibrillation and treatment of venous thromboembolism and portal vein thrombosis in "
        "cirrhosis: guidance from the SSC of the ISTH. Journal of Thrombosis and Haemostasis. 2024;22(9):2653-2669. "
        "doi:10.1016/j.jtha.2024.05.023",
    ),
    "people and a group": (
        {
            "authors": ("de Franchis R", "Bosch J", "Garcia-Tsao G", "Reiberger T", "Ripoll C", "Baveno VII Faculty"),
            "title": "Baveno VII - renewing consensus in portal hypertension",
            "container": "Journal of Hepatology",
            "year": 2022,
            "volume": "76",
            "issue": "4",
            "pages": "959-974",
        },
        "de Franchis R, Bosch J, Garcia-Tsao G, Reiberger T, Ripoll C; Baveno VII Faculty. Baveno VII - renewing "
        "consensus in portal hypertension. Journal of Hepatology. 2022;76(4):959-974.",
    ),
    "no issue": (
        {
            "authors": ("Alimohammadi A", "Kim DJ", "Field TS"),
            "title": "Updates in cerebral venous thrombosis.",
            "container": "Current Cardiology Reports",
            "year": 2022,
            "volume": "24",
            "pages": "43-50",
        },
        "Alimohammadi A, Kim DJ, Field TS. Updates in cerebral venous thrombosis. Current Cardiology Reports. "
        "2022;24:43-50.",
    ),
    "pages but no volume": (
        {
            "authors": ("Lee GM", "Arepally GM"),
            "title": "Heparin-induced thrombocytopenia",
            "container": "Hematology ASH Education Program",
            "year": 2013,
            "pages": "668-674",
            "pmid": "24319251",
        },
        "Lee GM, Arepally GM. Heparin-induced thrombocytopenia. Hematology ASH Education Program. 2013:668-674. "
        "PMID: 24319251",
    ),
    "no authors, identifier only": (
        {
            "title": "Argatroban management in heparin-induced thrombocytopenia?",
            "container": "British Journal of Haematology",
            "year": 2022,
            "doi": "10.1111/bjh.18120",
            "url": "https://www.physiciansweekly.com/argatroban-management-in-heparin-induced-thrombocytopenia/",
            "evidence_type": EvidenceType.COHORT,
        },
        "Argatroban management in heparin-induced thrombocytopenia? British Journal of Haematology. 2022. "
        "doi:10.1111/bjh.18120",
    ),
    "guideline web page": (
        {
            "authors": ("National Institute for Health and Care Excellence",),
            "title": "Blood transfusion (NG24)",
            "container": "NICE guideline",
            "year": 2015,
            "url": "https://www.nice.org.uk/guidance/ng24",
            "issuing_body": "NICE",
            "as_of": "page reviewed 01/2018",
        },
        "National Institute for Health and Care Excellence. Blood transfusion (NG24) [Internet]. NICE guideline; "
        "2015 [cited as of page reviewed 01/2018]. Available from: https://www.nice.org.uk/guidance/ng24",
    ),
    "drug label with the issuing body as author, no year": (
        {
            "title": "ARGANOVA (argatroban) - resume des caracteristiques du produit (annexe I)",
            "container": "French summary of product characteristics",
            "url": "https://studylibfr.com/doc/4162002/annexe-i-resume-des-caracteristiques-du-produit",
            "issuing_body": "ANSM (France)",
            "as_of": "stored copy, revision date not shown",
            "evidence_type": EvidenceType.DRUG_LABEL,
        },
        "ANSM (France). ARGANOVA (argatroban) - resume des caracteristiques du produit (annexe I) [Internet]. French "
        "summary of product characteristics [cited as of stored copy, revision date not shown]. Available from: "
        "https://studylibfr.com/doc/4162002/annexe-i-resume-des-caracteristiques-du-produit",
    ),
    "drug label whose title names the container": (
        {
            "authors": ("Indivior",),
            "title": "Suboxone (buprenorphine/naloxone) - US prescribing information",
            "container": "US prescribing information",
            "year": 2025,
            "as_of": "2025",
            "evidence_type": EvidenceType.DRUG_LABEL,
        },
        "Indivior. Suboxone (buprenorphine/naloxone) - US prescribing information. 2025.",
    ),
    "regulator in a numbered publication": (
        {
            "issuing_body": "US Food and Drug Administration",
            "title": "Modifications to labeling of buprenorphine-containing transmucosal products for the treatment "
            "of opioid dependence (Docket FDA-2024-N-5381)",
            "container": "Federal Register",
            "year": 2024,
            "volume": "89",
            "issue": "248",
            "pages": "105613-105617",
            "url": "https://www.govinfo.gov/content/pkg/FR-2024-12-27/html/2024-30776.htm",
            "as_of": "2024-12-27",
            "evidence_type": EvidenceType.REGULATOR,
        },
        "US Food and Drug Administration. Modifications to labeling of buprenorphine-containing transmucosal products "
        "for the treatment of opioid dependence (Docket FDA-2024-N-5381). Federal Register. "
        "2024;89(248):105613-105617 [cited as of 2024-12-27]. Available from: "
        "https://www.govinfo.gov/content/pkg/FR-2024-12-27/html/2024-30776.htm",
    ),
    "page whose container is its author": (
        {
            "authors": ("UpToDate",),
            "title": "Drug-induced immune thrombocytopenia",
            "container": "UpToDate",
            "year": 2024,
            "url": "https://medilib.ir/uptodate/show/144327",
            "evidence_type": EvidenceType.TEXTBOOK,
        },
        "UpToDate. Drug-induced immune thrombocytopenia [Internet]. 2024. Available from: "
        "https://medilib.ir/uptodate/show/144327",
    ),
    "book": (
        {
            "authors": ("Warkentin TE", "Greinacher A"),
            "title": "Heparin-Induced Thrombocytopenia, 4th ed.",
            "publisher": "Informa Healthcare",
            "year": 2007,
            "evidence_type": EvidenceType.TEXTBOOK,
        },
        "Warkentin TE, Greinacher A. Heparin-Induced Thrombocytopenia, 4th ed. Informa Healthcare; 2007.",
    ),
    "retracted, with a PMCID": (
        {
            "title": "Spontaneous renal hemorrhage",
            "year": 2021,
            "pmcid": "PMC8269974",
            "retracted": True,
            "evidence_type": EvidenceType.CASE_REPORT,
        },
        "Spontaneous renal hemorrhage [Retracted]. 2021. PMCID: PMC8269974",
    ),
    "page with only the day it was read": (
        {
            "issuing_body": "World Anti-Doping Agency",
            "title": "Prohibited List",
            "publisher": "WADA",
            "url": "https://www.wada-ama.org/en/prohibited-list",
            "retrieved": "2026-01-28",
            "evidence_type": EvidenceType.REGULATOR,
        },
        "World Anti-Doping Agency. Prohibited List [Internet]. WADA [cited 2026-01-28]. Available from: "
        "https://www.wada-ama.org/en/prohibited-list",
    ),
    "title alone": ({"title": "Peptide explainer pages"}, "Peptide explainer pages."),
}


def make_source(fields: dict[str, Any]) -> Source:
    defaults = {"key": "source", "evidence_type": EvidenceType.GUIDELINE, "jurisdiction": "INT"}
    return Source(**{**defaults, **fields})


@pytest.mark.parametrize("case", CASES)
def test_vancouver(case: str) -> None:
    fields, expected = CASES[case]
    assert vancouver(make_source(fields)) == expected


@pytest.mark.parametrize("absent", ["authors", "container", "year", "volume", "issue", "pages", "doi", "pmid", "url"])
@pytest.mark.parametrize("source", [CUKER_2018, LABEL_US], ids=["article", "label"])
def test_any_missing_part_leaves_no_trace(source: Source, absent: str) -> None:
    text = vancouver(source.model_copy(update={absent: () if absent == "authors" else None}))
    assert not re.search(r"[.,;:?] ?[.,;:?]|\(\)|None|  |^\W|\[\]| [.,;:]", text.replace("al. ", "al ")), text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"doi": "10.1182/x", "pmid": "1", "url": "https://a.org/b"}, "https://doi.org/10.1182/x"),
        ({"doi": "10.1002/(SICI)1097<1661::AID>3.0;2-2"}, "https://doi.org/10.1002/(SICI)1097%3C1661::AID%3E3.0;2-2"),
        ({"pmid": "30482768", "url": "https://a.org/b"}, "https://pubmed.ncbi.nlm.nih.gov/30482768/"),
        ({"url": "https://a.org/b", "pmcid": "PMC8269974"}, "https://a.org/b"),
        ({"pmcid": "PMC8269974"}, "https://pmc.ncbi.nlm.nih.gov/articles/PMC8269974/"),
        ({}, None),
    ],
)
def test_link_is_the_most_lasting_one(fields: dict[str, Any], expected: str | None) -> None:
    source = make_source({"title": "A title", **fields})
    assert link(source) == expected
    assert link(reference(1, source)) == reference(1, source).url == expected


def test_reference_carries_the_record() -> None:
    made = reference(3, CUKER_2018)
    assert (made.number, made.source_id, made.vancouver) == (3, "cuker2018", vancouver(CUKER_2018))
    assert (made.title, made.jurisdiction, made.as_of) == (CUKER_2018.title, "US", CUKER_2018.as_of)


def test_numbers_follow_first_use_and_stay() -> None:
    numbering = Numbering()
    assert [numbering.number(key) for key in ("b", "a", "b", "c", "a")] == [1, 2, 1, 3, 2]
    assert numbering.keys() == ("b", "a", "c")


def test_a_conversation_keeps_its_numbers() -> None:
    numbering = Numbering(Numbering(["b", "a"]).keys())
    assert [numbering.number(key) for key in ("c", "a", "b")] == [3, 2, 1]
