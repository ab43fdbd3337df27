"""Clinical variables that recommendations are conditional on: how statements depend on them, how questions give them,
which values text names.

The table is read and extended by clinicians. A row is for what many statements are conditional on, not for one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.clinical.values import Points, Values, bands, four_ts, listed, measured, named, phrase
from rag.clinical.variables import child_pugh_below, child_pugh_classes


def _none(text: str) -> tuple[str, ...]:
    return ()


def _no_point(text: str) -> tuple[float, ...]:
    return ()


@dataclass(frozen=True)
class Variable:
    """A variable and how text speaks of it.

    ``depends`` matches a statement that depends on it, ``given`` a question that states it; ``concerns`` are the
    concepts of which one must be in the question for it to matter (none: always). ``values`` gives the values that a
    text names, ``below`` those it leaves out by a threshold, ``points`` the measurements that it gives of one whose
    bands are groups of patients, as of an organ's function, not thresholds to be reached. ``is_for_classes``: it only
    matters when the question asks about one of ``concerns`` itself rather than about a single drug of the class.
    ``is_diagnostic``: what diagnostic statements say of its values is advice; of other variables they only state where
    cut-offs of a score lie.
    """

    name: str
    why: str
    depends: re.Pattern[str]
    given: re.Pattern[str]
    concerns: tuple[str, ...] = ()
    values: Values = _none
    below: Values = _none
    points: Points = _no_point
    is_for_classes: bool = False
    is_diagnostic: bool = False

    @property
    def is_of_patient(self) -> bool:
        """Whether advice for one of its values is none for a patient with another: of indications one may have two."""
        return not self.is_for_classes


_FEMALE = r"wom[ae]n|female|lady|girl|pregnan\w+|postpartum|menopaus\w+|\bshe\b|\bher\b"
_MALE = r"\bm[ae]n\b|\bmales?\b|gentlem[ae]n|\bboy\b|\bhe\b|\bhis\b|\bhim\b"
_RENAL_REPLACEMENT = r"dialys|renal replacement|\bCRRT\b|\bCVV?HD?F?\b|h[ae]+mofiltration|\bSLED\b"
_LIMITED = ("anticoagulant", "anticoagulation", "venous thromboembolism")

VARIABLES: tuple[Variable, ...] = (
    Variable(
        "Child-Pugh class",
        "recommendations and labels differ by Child-Pugh class",
        phrase(r"Child[- ]Pugh"),
        phrase(
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
        phrase(r"atrial fibrillation|venous thrombo|(?:deep|portal) vein thrombosis|pulmonary embolism|\bHIT\b"),
        phrase(r"fibrillation|\bAF\b|thrombosis|embol|\b(?:VTE|DVT|PE|PVT|CVS?T|HIT)\b|valve|stroke"),
        ("anticoagulation", "anticoagulant", "direct oral anticoagulant"),
        listed({
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
        phrase(r"\b(?:CrCl|creatinine clearance|e?GFR)\b"),
        phrase(r"(?:CrCl|creatinine clearance|e?GFR)\D{0,15}\d|creatinine\D{0,12}\d"),
        ("renal impairment",),
        bands(r"(?:CrCl|creatinine clearance|e?GFR)\)?\s*(?:of\s+|is\s+|was\s+)?", r"(?:\s*mL/min)?", "mL/min"),
        points=measured("(?:CrCl|creatinine clearance|e?GFR)", r"mL/min", 200),
    ),
    Variable(
        "dialysis or other renal replacement",
        "choice and dose of drugs differ with the kind of renal replacement",
        phrase(_RENAL_REPLACEMENT),
        phrase(rf"{_RENAL_REPLACEMENT}|\bESRD\b|\bESKD\b"),
        ("renal impairment",),
        named(
            intermittent_haemodialysis=r"intermittent ha?emodialysis|(?<!continuous )(?<!venovenous )ha?emodialysis",
            continuous_renal_replacement=r"continuous|\bCRRT\b|\bCVV?H",
        ),
    ),
    Variable(
        "bilirubin",
        "dose needs change with the bilirubin level",
        phrase(r"\bbilirubin\b"),
        phrase(r"bilirubin\D{0,15}\d"),
        ("hepatic impairment", "hyperbilirubinaemia"),
        bands(r"bilirubin\s*(?:of\s+|is\s+)?", r"(?=\s*mg/dL)", "mg/dL"),
        # Without a unit, 30 and more are likely µmol/L.
        points=measured("bilirubin", r"mg/dL", 30),
    ),
    Variable(
        "4Ts score",
        "testing and the intensity of anticoagulation depend on the pretest probability",
        phrase(r"\b4Ts\b"),
        phrase(r"4Ts?\D{0,20}\d|(?:low|intermediate|high)[- ](?:probability )?4Ts|confirmed (?:HIT|heparin)"),
        ("heparin-induced thrombocytopenia",),
        four_ts,
        is_diagnostic=True,
    ),
    Variable(
        "result of a functional (platelet activation) assay",
        "a positive immunoassay alone does not prove heparin-induced thrombocytopenia",
        phrase(r"functional assay|functional confirmation|serotonin[- ]release|activation assay"),
        phrase(r"functional|serotonin|\bSRA\b|\bHIPA\b|confirmed (?:HIT|heparin)"),
        ("heparin-induced thrombocytopenia",),
    ),
    Variable(
        "phase of heparin-induced thrombocytopenia",
        "what is advised changes from suspected and acute to subacute and remote disease",
        phrase(r"\b(?:subacute|remote) HIT\b"),
        phrase(
            r"\b(?:sub)?acute\b|remote|suspect|past|history of (?:HIT|heparin)|previous|on (?:argatroban|bivalirudin)"
        ),
        ("heparin-induced thrombocytopenia",),
        named(acute=r"(?<!sub)\bacute (?:isolated )?HIT", subacute=r"subacute HIT", remote=r"remote HIT"),
    ),
    Variable(
        "thrombosis, or isolated heparin-induced thrombocytopenia",
        "dose and duration differ with and without thrombosis",
        phrase(r"isolated HIT|HIT is isolated|HIT with thrombosis|if there is thrombosis|without thrombosis"),
        phrase(r"thrombos[ie]s|\b(?:DVT|PE|VTE|HITT|clots?)\b|embol|isolated|limb|stroke|gangrene"),
        ("heparin-induced thrombocytopenia",),
        named(
            isolated=r"isolated HIT|HIT is isolated",
            with_thrombosis=r"HIT with thrombosis|if there is thrombosis|with or without thrombosis",
        ),
    ),
    Variable(
        "platelet count",
        "thresholds for treatment and transfusion are set by the platelet count",
        phrase(r"10(?:⁹|\^9)/L"),
        phrase(r"(?:platelets?|PLT)\b[^.;,]{0,25}\d|\d+\s*(?:[×x]\s*10|,000|k\b|G/L)"),
        ("thrombocytopenia", "immune thrombocytopenia"),
        bands("", r"\s*[×x]\s*10(?:⁹|\^9)/L(?:\s*or (?P<side_after>more|less)\b)?", "× 10⁹/L"),
    ),
    Variable(
        "bleeding and bleeding risk (varices, recent or planned procedures)",
        "active bleeding or a high bleeding risk changes what is advised",
        phrase(r"active bleeding|high bleeding risk|average bleeding risk|varices|major bleeding|life-threatening"),
        phrase(r"bleed|haemorrhag|hemorrhag|haematoma|hematoma|varic|oozing"),
        ("anticoagulant", "anticoagulation", "thrombocytopenia", "cirrhosis"),
        listed({
            "active bleeding": r"active bleeding|(?:only for|life-threatening) bleeding|with active bleeding",
            "high bleeding risk": r"high bleeding risk|increased bleeding risk|high-risk procedure",
            "average bleeding risk": r"average bleeding risk|no (?:or minor|major) bleeding",
        }),
    ),
    Variable(
        "haemodynamic stability",
        "unstable patients need the bleeding stopped first",
        phrase(r"h[ae]+modynamic|h[ae]+morrhagic shock|\b(?:un)?stable\b"),
        phrase(r"h[ae]+modynamic|\bshock\b|\b(?:un)?stable\b|blood pressure|normali[sz]ed|stopped bleeding"),
        ("bleeding",),
        named(stable=r"\bstable\b", unstable=r"unstable|h[ae]+morrhagic shock"),
    ),
    Variable(
        "critical illness or multiple organ failure",
        "lower doses are needed in critical illness and multiple organ failure",
        phrase(r"critical(?:ly)? ill|multi(?:ple)?[- ]organ"),
        phrase(r"critical|\bICU\b|intensive care|organ (?:failure|dysfunction)|septic|sepsis|shock|ventilat"),
        ("heparin-induced thrombocytopenia", "anticoagulant"),
        listed({"critically ill, or multiple organ failure": r"critical(?:ly)? ill|multi(?:ple)?[- ]organ"}),
    ),
    Variable(
        "baseline aPTT",
        "a baseline aPTT that is long already misleads when a drug is steered by it",
        phrase(r"baseline aPTT"),
        phrase(r"aPTT\b[^.;,]{0,25}\d|(?:normal|baseline|prolonged) aPTT"),
        ("anticoagulant",),
        listed({"prolonged": r"(?:baseline )?aPTT is (?:often )?prolonged|baseline aPTT is long"}),
    ),
    Variable(
        "INR",
        "what is advised depends on the INR before or during treatment",
        phrase(r"baseline INR|\bINR (?:is|exceeds|>|<|above|below)"),
        phrase(r"\bINR\D{0,15}\d|normal INR"),
        _LIMITED,
        listed({"normal": r"(?:baseline )?INR is normal"}),
    ),
    Variable(
        "CHA2DS2-VASc score",
        "anticoagulation in atrial fibrillation is decided by the score",
        phrase(r"CHA2?DS2?"),
        phrase(r"CHA2?DS2?\S*\D{0,15}\d"),
        ("atrial fibrillation",),
        bands(r"CHA2?DS2?-?(?:VASc|VA)?\s*(?:score\s*)?(?:of\s*)?", "", ""),
    ),
    Variable(
        "whether the thrombosis was provoked",
        "how long to anticoagulate depends on what provoked the thrombosis",
        phrase(r"\b(?:un)?provoked\b|transient (?:risk )?factor"),
        phrase(r"provoked|idiopathic|after surgery|contracept|\bpill\b|pregnan|postpartum|trauma|cancer|immobil"),
        ("venous thromboembolism",),
        named(provoked=r"(?<!un)\bprovoked|transient (?:risk )?factor", unprovoked=r"unprovoked"),
    ),
    Variable(
        "severe thrombophilia or recurrent thrombosis",
        "they are reasons to continue anticoagulation indefinitely",
        phrase(r"thrombophilia|recurrent (?:CVT|VTE|venous|cerebral)|antiphospholipid"),
        phrase(r"thrombophili|antiphospholipid|factor V Leiden|protein [CS]\b|recurren|first"),
        ("venous thromboembolism",),
        listed({
            "severe thrombophilia": r"(?:severe )?thrombophilia|antiphospholipid",
            "recurrent thrombosis": r"recurrent (?:CVT|VTE|venous|cerebral)",
        }),
    ),
    Variable(
        "sex",
        "what is advised differs between men and women",
        phrase(r"\b(?:women|men)\b"),
        phrase(rf"{_FEMALE}|{_MALE}|\d\s*[MF]\b"),
        values=named(men=r"\bmen\b", women=r"\bwomen\b"),
    ),
    Variable(
        "age",
        "what is advised differs by age",
        phrase(
            r"\b(?:older|younger) than \d|\baged? (?:over|under|above|below|≥|>|<)|\d years (?:or|and) (?:older|over)"
        ),
        phrase(r"\b\d{1,3}[- ]?(?:years?|yrs?|y/?o)\b|\baged \d|child|infant|neonat|newborn|elderly|adolescen"),
        values=named(older=r"older than|aged? over|over \d+ years|or older", younger=r"younger than|under \d+ years"),
    ),
    Variable(
        "pregnancy",
        "what is advised differs in pregnancy",
        phrase(r"\bpregnan|puerperium|childbearing"),
        phrase(rf"pregnan|gestation|postpartum|breast-?feed|postmenopaus|{_MALE}"),
        ("venous thromboembolism", "immune thrombocytopenia", "heparin-induced thrombocytopenia"),
        named(pregnant=r"\bpregnan\w*"),
    ),
    Variable(
        "symptoms of the hernia",
        "symptomatic hernias are repaired, others may be watched",
        phrase(r"symptomatic"),
        phrase(r"symptom|pain|discomfort|watchful|incarcerat|strangulat|irreducib"),
        ("groin hernia",),
        listed({
            "symptomatic": r"(?<!minimally )(?<!mildly )(?<!barely )\bsymptomatic",
            "asymptomatic or minimally symptomatic": r"asymptomatic|(?:minimally|mildly|barely) symptomatic",
        }),
    ),
    Variable(
        "whether the hernia can be reduced",
        "a hernia that is incarcerated or strangulated is an emergency",
        phrase(r"incarcerat|strangulat|irreducib"),
        phrase(r"\breducib|irreducib|incarcerat|strangulat|obstruct"),
        ("groin hernia",),
        named(incarcerated=r"\bincarcerated", strangulated=r"\bstrangulat"),
    ),
    Variable(
        "inguinal or femoral hernia",
        "femoral hernias strangulate more often and are not watched",
        phrase(r"femoral"),
        phrase(r"femoral|inguinal"),
        ("groin hernia",),
        named(inguinal=r"\binguinal", femoral=r"\bfemoral"),
    ),
    Variable(
        "opioid used last, and when",
        "when treatment may start depends on how long the last opioid acts",
        phrase(r"(?:short|long)-acting opioid|last opioid|fentanyl"),
        phrase(r"heroin|fentanyl|methadone|oxycodone|(?:short|long)-acting|withdrawal"),
        ("opioid use disorder",),
        named(short_acting=r"short-acting", long_acting=r"long-acting", fentanyl=r"fentanyl"),
    ),
    Variable(
        "left ventricular ejection fraction",
        "treatment is chosen by the ejection fraction",
        phrase(r"\bLVEF\b|ejection fraction"),
        phrase(r"(?:LVEF|ejection fraction|\bEF)\D{0,15}\d|preserved|reduced ejection|HF[rmp]+EF"),
        ("heart failure",),
        bands(r"(?:LVEF|ejection fraction)\s*(?:of\s+|is\s+)?", r"\s*%", "%"),
    ),
    Variable(
        "QTc",
        "drugs that prolong the QT interval are limited by it",
        phrase(r"\bQTc?\b"),
        phrase(r"\bQTc?\D{0,15}\d|normal QT"),
        values=bands(r"QTc?(?: interval)?\s*(?:of\s+|is\s+)?", r"\s*ms", "ms"),
    ),
    Variable(
        "potassium",
        "doses and contraindications are set by the potassium level",
        phrase(r"\b(?:serum )?potassium (?:level|is|>|<|above|below|of)|hyperkal[ae]+mia"),
        phrase(r"(?:potassium|\bK\+?)\D{0,12}\d|normokal"),
        ("renal impairment", "heart failure", "hyperkalaemia"),
        bands(r"potassium\s*(?:of\s+|is\s+|level\s+)?", r"(?=\s*m(?:mol|Eq)/L)", "mmol/L"),
    ),
    Variable(
        "body weight",
        "doses are given per kilogram",
        phrase(r"\d\s*(?:mcg|mg|g|U|units?)/kg|\d\s*kg\)"),
        phrase(r"\d\s*kg\b|weigh"),
    ),
)  # fmt: skip
