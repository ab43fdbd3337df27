"""Clinical variables that recommendations are conditional on: how statements depend on them, how questions give them,
which values text names.

The table is read and extended by clinicians. A row is for what many statements are conditional on, not for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rag.clinical.variables import child_pugh_below, child_pugh_classes

Values = Callable[[str], tuple[str, ...]]


def _none(text: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Variable:
    """A variable and how text speaks of it.

    ``depends`` matches a statement that depends on it, ``given`` a question that states it; ``concerns`` are the
    concepts of which one must be in the question for it to matter (none: always). ``values`` gives the values that a
    text names, ``below`` those it leaves out by a threshold. ``is_for_classes``: it only matters when the question asks
    about one of ``concerns`` itself rather than about a single drug of the class. ``is_diagnostic``: what diagnostic
    statements say of its values is advice; of other variables they only state where cut-offs of a score lie.
    """

    name: str
    why: str
    depends: re.Pattern[str]
    given: re.Pattern[str]
    concerns: tuple[str, ...] = ()
    values: Values = _none
    below: Values = _none
    is_for_classes: bool = False
    is_diagnostic: bool = False

    @property
    def is_of_patient(self) -> bool:
        """Whether advice for one of its values is none for a patient with another: of indications one may have two."""
        return not self.is_for_classes


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _named(**words: str) -> Values:
    """Values by name, with the pattern that speaks of each; an underscore in a name is a space."""
    return _listed({name.replace("_", " "): pattern for name, pattern in words.items()})


def _listed(words: Mapping[str, str]) -> Values:
    patterns = {name: _pattern(pattern) for name, pattern in words.items()}

    def values(text: str) -> tuple[str, ...]:
        return tuple(name for name, pattern in patterns.items() if pattern.search(text))

    return values


_NUMBER = r"\d+(?:\.\d+)?"
_BAND = rf"{_NUMBER}(?:\s*-\s*{_NUMBER})?"
_BARE = re.compile(rf"{_NUMBER}(?!-|\d|\.)")
_NEXT = r"(?:,\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+)(?=[<>≤≥\d])"
_SIGN = r"(?P<sign><|>|≤|≥|below\s|under\s|above\s|over\s|at least\s)?\s*"
_SIGNS = {"below": "<", "under": "<", "above": ">", "over": ">", "at least": "≥"}
_OR = r"(?:\s*or (?P<side>more|less|higher|lower)\b)?"


def _bands(before: str, after: str, unit: str) -> Values:
    """Thresholds and ranges that a text names: "<30 mL/min", "≥150 × 10⁹/L", "30-60 mL/min".

    A bare number is what someone had, not a value on which advice depends.
    """
    pattern = _pattern(rf"{before}{_SIGN}(?P<band>{_BAND}){_OR}(?P<more>(?:{_NEXT}(?:[<>≤≥]\s*)?{_BAND})*){after}")

    def values(text: str) -> tuple[str, ...]:
        found = [band for match in pattern.finditer(text) for band in (_first(match), *_others(match["more"]))]
        return tuple(dict.fromkeys(band for band in found if not _BARE.match(band)))

    def _others(listed: str) -> list[str]:
        return [f"{''.join(part.split())} {unit}".strip() for part in re.split(_NEXT, listed) if part.strip()]

    def _first(match: re.Match[str]) -> str:
        sign = (match["sign"] or "").strip().lower()
        sign = _SIGNS.get(sign, sign)
        side = match["side"] or match.groupdict().get("side_after") or ""
        if not sign and side:
            sign = "≥" if side.lower() in {"more", "higher"} else "≤"
        return f"{sign}{''.join(match['band'].split())} {unit}".strip()

    return values


_FEMALE = r"wom[ae]n|female|lady|girl|pregnan\w+|postpartum|menopaus\w+|\bshe\b|\bher\b"
_MALE = r"\bm[ae]n\b|\bmales?\b|gentlem[ae]n|\bboy\b|\bhe\b|\bhis\b|\bhim\b"
_RENAL_REPLACEMENT = r"dialys|renal replacement|\bCRRT\b|\bCVV?HD?F?\b|h[ae]+mofiltration|\bSLED\b"
_LIMITED = ("anticoagulant", "anticoagulation", "venous thromboembolism")

VARIABLES: tuple[Variable, ...] = (
    Variable(
        "Child-Pugh class",
        "recommendations and labels differ by Child-Pugh class",
        _pattern(r"Child[- ]Pugh"),
        _pattern(
            r"Child[- ](?:Turcotte[- ])?Pugh(?:[- ](?:class|score))?[- ]*(?:[ABC]\b|\d)|\bCP[- ]?[ABC]\b|"
            r"\b(?:mild|moderate|severe) (?:hepatic|liver) (?:impairment|dysfunction)"
        ),
        ("hepatic impairment",),
        child_pugh_classes,
        child_pugh_below,
    ),
    Variable(
        "indication for anticoagulation",
        "agents, doses and contraindications differ by indication",
        _pattern(r"atrial fibrillation|venous thrombo|(?:deep|portal) vein thrombosis|pulmonary embolism|\bHIT\b"),
        _pattern(r"fibrillation|\bAF\b|thrombosis|embol|\b(?:VTE|DVT|PE|PVT|CVS?T|HIT)\b|valve|stroke"),
        ("anticoagulation", "anticoagulant", "direct oral anticoagulant"),
        _listed({
            "atrial fibrillation": r"atrial fibrillation",
            "deep vein thrombosis or pulmonary embolism": r"deep vein thrombosis|pulmonary embolism|venous thrombo",
            "portal vein thrombosis": r"portal vein thrombosis",
            "heparin-induced thrombocytopenia": r"(?<!without )\b(?:HIT\b|heparin-induced thrombocytopenia)",
        }),
        is_for_classes=True,
    ),
    Variable(
        "creatinine clearance",
        "doses and contraindications are set by creatinine clearance",
        _pattern(r"\b(?:CrCl|creatinine clearance|e?GFR)\b"),
        _pattern(r"(?:CrCl|creatinine clearance|e?GFR)\D{0,15}\d|creatinine\D{0,12}\d"),
        ("renal impairment",),
        _bands(r"(?:CrCl|creatinine clearance|e?GFR)\)?\s*(?:of\s+|is\s+|was\s+)?", r"(?:\s*mL/min)?", "mL/min"),
    ),
    Variable(
        "dialysis or other renal replacement",
        "choice and dose of drugs differ with the kind of renal replacement",
        _pattern(_RENAL_REPLACEMENT),
        _pattern(rf"{_RENAL_REPLACEMENT}|\bESRD\b|\bESKD\b"),
        ("renal impairment",),
        _named(
            intermittent_haemodialysis=r"intermittent ha?emodialysis|(?<!continuous )(?<!venovenous )ha?emodialysis",
            continuous_renal_replacement=r"continuous|\bCRRT\b|\bCVV?H",
        ),
    ),
    Variable(
        "bilirubin",
        "dose needs change with the bilirubin level",
        _pattern(r"\bbilirubin\b"),
        _pattern(r"bilirubin\D{0,15}\d"),
        ("hepatic impairment", "hyperbilirubinaemia"),
        _bands(r"bilirubin\s*(?:of\s+|is\s+)?", r"(?=\s*mg/dL)", "mg/dL"),
    ),
    Variable(
        "4Ts score",
        "testing and the intensity of anticoagulation depend on the pretest probability",
        _pattern(r"\b4Ts\b"),
        _pattern(r"4Ts?\D{0,20}\d|(?:low|intermediate|high)[- ](?:probability )?4Ts|confirmed (?:HIT|heparin)"),
        ("heparin-induced thrombocytopenia",),
        _named(
            low=r"\blow(?:-probability)? 4Ts",
            intermediate=r"\bintermediate(?:-probability)? 4Ts",
            high=r"\bhigh(?:-probability)? 4Ts",
        ),
        is_diagnostic=True,
    ),
    Variable(
        "result of a functional (platelet activation) assay",
        "a positive immunoassay alone does not prove heparin-induced thrombocytopenia",
        _pattern(r"functional assay|functional confirmation|serotonin[- ]release|activation assay"),
        _pattern(r"functional|serotonin|\bSRA\b|\bHIPA\b|confirmed (?:HIT|heparin)"),
        ("heparin-induced thrombocytopenia",),
    ),
    Variable(
        "phase of heparin-induced thrombocytopenia",
        "what is advised changes from suspected and acute to subacute and remote disease",
        _pattern(r"\b(?:subacute|remote) HIT\b"),
        _pattern(
            r"\b(?:sub)?acute\b|remote|suspect|past|history of (?:HIT|heparin)|previous|on (?:argatroban|bivalirudin)"
        ),
        ("heparin-induced thrombocytopenia",),
        _named(acute=r"(?<!sub)\bacute (?:isolated )?HIT", subacute=r"subacute HIT", remote=r"remote HIT"),
    ),
    Variable(
        "thrombosis, or isolated heparin-induced thrombocytopenia",
        "dose and duration differ with and without thrombosis",
        _pattern(r"isolated HIT|HIT is isolated|HIT with thrombosis|if there is thrombosis|without thrombosis"),
        _pattern(r"thrombos[ie]s|\b(?:DVT|PE|VTE|HITT|clots?)\b|embol|isolated|limb|stroke|gangrene"),
        ("heparin-induced thrombocytopenia",),
        _named(
            isolated=r"isolated HIT|HIT is isolated",
            with_thrombosis=r"HIT with thrombosis|if there is thrombosis|with or without thrombosis",
        ),
    ),
    Variable(
        "platelet count",
        "thresholds for treatment and transfusion are set by the platelet count",
        _pattern(r"10(?:⁹|\^9)/L"),
        _pattern(r"(?:platelets?|PLT)\b[^.;,]{0,25}\d|\d+\s*(?:[×x]\s*10|,000|k\b|G/L)"),
        ("thrombocytopenia", "immune thrombocytopenia"),
        _bands("", r"\s*[×x]\s*10(?:⁹|\^9)/L(?:\s*or (?P<side_after>more|less)\b)?", "× 10⁹/L"),
    ),
    Variable(
        "bleeding and bleeding risk (varices, recent or planned procedures)",
        "active bleeding or a high bleeding risk changes what is advised",
        _pattern(r"active bleeding|high bleeding risk|average bleeding risk|varices|major bleeding|life-threatening"),
        _pattern(r"bleed|haemorrhag|hemorrhag|haematoma|hematoma|varic|oozing"),
        ("anticoagulant", "anticoagulation", "thrombocytopenia", "cirrhosis"),
        _listed({
            "active bleeding": r"active bleeding|(?:only for|life-threatening) bleeding|with active bleeding",
            "high bleeding risk": r"high bleeding risk|increased bleeding risk|high-risk procedure",
            "average bleeding risk": r"average bleeding risk|no (?:or minor|major) bleeding",
        }),
    ),
    Variable(
        "haemodynamic stability",
        "unstable patients need the bleeding stopped first",
        _pattern(r"h[ae]+modynamic|h[ae]+morrhagic shock|\b(?:un)?stable\b"),
        _pattern(r"h[ae]+modynamic|\bshock\b|\b(?:un)?stable\b|blood pressure|normali[sz]ed|stopped bleeding"),
        ("bleeding",),
        _named(stable=r"\bstable\b", unstable=r"unstable|h[ae]+morrhagic shock"),
    ),
    Variable(
        "critical illness or multiple organ failure",
        "lower doses are needed in critical illness and multiple organ failure",
        _pattern(r"critical(?:ly)? ill|multi(?:ple)?[- ]organ"),
        _pattern(r"critical|\bICU\b|intensive care|organ (?:failure|dysfunction)|septic|sepsis|shock|ventilat"),
        ("heparin-induced thrombocytopenia", "anticoagulant"),
        _listed({"critically ill, or multiple organ failure": r"critical(?:ly)? ill|multi(?:ple)?[- ]organ"}),
    ),
    Variable(
        "baseline aPTT",
        "a baseline aPTT that is long already misleads when a drug is steered by it",
        _pattern(r"baseline aPTT"),
        _pattern(r"aPTT\b[^.;,]{0,25}\d|(?:normal|baseline|prolonged) aPTT"),
        ("anticoagulant",),
        _listed({"prolonged": r"(?:baseline )?aPTT is (?:often )?prolonged|baseline aPTT is long"}),
    ),
    Variable(
        "INR",
        "what is advised depends on the INR before or during treatment",
        _pattern(r"baseline INR|\bINR (?:is|exceeds|>|<|above|below)"),
        _pattern(r"\bINR\D{0,15}\d|normal INR"),
        _LIMITED,
        _listed({"normal": r"(?:baseline )?INR is normal"}),
    ),
    Variable(
        "CHA2DS2-VASc score",
        "anticoagulation in atrial fibrillation is decided by the score",
        _pattern(r"CHA2?DS2?"),
        _pattern(r"CHA2?DS2?\S*\D{0,15}\d"),
        ("atrial fibrillation",),
        _bands(r"CHA2?DS2?-?(?:VASc|VA)?\s*(?:score\s*)?(?:of\s*)?", "", ""),
    ),
    Variable(
        "whether the thrombosis was provoked",
        "how long to anticoagulate depends on what provoked the thrombosis",
        _pattern(r"\b(?:un)?provoked\b|transient (?:risk )?factor"),
        _pattern(r"provoked|idiopathic|after surgery|contracept|\bpill\b|pregnan|postpartum|trauma|cancer|immobil"),
        ("venous thromboembolism",),
        _named(provoked=r"(?<!un)\bprovoked|transient (?:risk )?factor", unprovoked=r"unprovoked"),
    ),
    Variable(
        "severe thrombophilia or recurrent thrombosis",
        "they are reasons to continue anticoagulation indefinitely",
        _pattern(r"thrombophilia|recurrent (?:CVT|VTE|venous|cerebral)|antiphospholipid"),
        _pattern(r"thrombophili|antiphospholipid|factor V Leiden|protein [CS]\b|recurren|first"),
        ("venous thromboembolism",),
        _listed({
            "severe thrombophilia": r"(?:severe )?thrombophilia|antiphospholipid",
            "recurrent thrombosis": r"recurrent (?:CVT|VTE|venous|cerebral)",
        }),
    ),
    Variable(
        "sex",
        "what is advised differs between men and women",
        _pattern(r"\b(?:women|men)\b"),
        _pattern(rf"{_FEMALE}|{_MALE}|\d\s*[MF]\b"),
        values=_named(men=r"\bmen\b", women=r"\bwomen\b"),
    ),
    Variable(
        "age",
        "what is advised differs by age",
        _pattern(
            r"\b(?:older|younger) than \d|\baged? (?:over|under|above|below|≥|>|<)|\d years (?:or|and) (?:older|over)"
        ),
        _pattern(r"\b\d{1,3}[- ]?(?:years?|yrs?|y/?o)\b|\baged \d|child|infant|neonat|newborn|elderly|adolescen"),
        values=_named(older=r"older than|aged? over|over \d+ years|or older", younger=r"younger than|under \d+ years"),
    ),
    Variable(
        "pregnancy",
        "what is advised differs in pregnancy",
        _pattern(r"\bpregnan|puerperium|childbearing"),
        _pattern(rf"pregnan|gestation|postpartum|breast-?feed|postmenopaus|{_MALE}"),
        ("venous thromboembolism", "immune thrombocytopenia", "heparin-induced thrombocytopenia"),
        _named(pregnant=r"\bpregnan\w*"),
    ),
    Variable(
        "symptoms of the hernia",
        "symptomatic hernias are repaired, others may be watched",
        _pattern(r"symptomatic"),
        _pattern(r"symptom|pain|discomfort|watchful|incarcerat|strangulat|irreducib"),
        ("groin hernia",),
        _listed({
            "symptomatic": r"(?<!minimally )(?<!mildly )(?<!barely )\bsymptomatic",
            "asymptomatic or minimally symptomatic": r"asymptomatic|(?:minimally|mildly|barely) symptomatic",
        }),
    ),
    Variable(
        "whether the hernia can be reduced",
        "a hernia that is incarcerated or strangulated is an emergency",
        _pattern(r"incarcerat|strangulat|irreducib"),
        _pattern(r"\breducib|irreducib|incarcerat|strangulat|obstruct"),
        ("groin hernia",),
        _named(incarcerated=r"\bincarcerated", strangulated=r"\bstrangulat"),
    ),
    Variable(
        "inguinal or femoral hernia",
        "femoral hernias strangulate more often and are not watched",
        _pattern(r"femoral"),
        _pattern(r"femoral|inguinal"),
        ("groin hernia",),
        _named(inguinal=r"\binguinal", femoral=r"\bfemoral"),
    ),
    Variable(
        "opioid used last, and when",
        "when treatment may start depends on how long the last opioid acts",
        _pattern(r"(?:short|long)-acting opioid|last opioid|fentanyl"),
        _pattern(r"heroin|fentanyl|methadone|oxycodone|(?:short|long)-acting|withdrawal"),
        ("opioid use disorder",),
        _named(short_acting=r"short-acting", long_acting=r"long-acting", fentanyl=r"fentanyl"),
    ),
    Variable(
        "left ventricular ejection fraction",
        "treatment is chosen by the ejection fraction",
        _pattern(r"\bLVEF\b|ejection fraction"),
        _pattern(r"(?:LVEF|ejection fraction|\bEF)\D{0,15}\d|preserved|reduced ejection|HF[rmp]+EF"),
        ("heart failure",),
        _bands(r"(?:LVEF|ejection fraction)\s*(?:of\s+|is\s+)?", r"\s*%", "%"),
    ),
    Variable(
        "QTc",
        "drugs that prolong the QT interval are limited by it",
        _pattern(r"\bQTc?\b"),
        _pattern(r"\bQTc?\D{0,15}\d|normal QT"),
        values=_bands(r"QTc?(?: interval)?\s*(?:of\s+|is\s+)?", r"\s*ms", "ms"),
    ),
    Variable(
        "potassium",
        "doses and contraindications are set by the potassium level",
        _pattern(r"\b(?:serum )?potassium (?:level|is|>|<|above|below|of)|hyperkal[ae]+mia"),
        _pattern(r"(?:potassium|\bK\+?)\D{0,12}\d|normokal"),
        ("renal impairment", "heart failure", "hyperkalaemia"),
        _bands(r"potassium\s*(?:of\s+|is\s+|level\s+)?", r"(?=\s*m(?:mol|Eq)/L)", "mmol/L"),
    ),
    Variable(
        "body weight",
        "doses are given per kilogram",
        _pattern(r"\d\s*(?:mcg|mg|g|U|units?)/kg|\d\s*kg\)"),
        _pattern(r"\d\s*kg\b|weigh"),
    ),
)  # fmt: skip
