"""What every rendering of an answer says in the same words: headings, labels, marks and notes.

Nothing here is escaped for a format: that is each renderer's own work, on every string that it is given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from rag.answer.references import doi_url, link, pubmed_url
from rag.domain import (
    Answer,
    Carried,
    Decision,
    Evidence,
    EvidenceType,
    GlossaryEntry,
    Outcome,
    Position,
    Reference,
    Statement,
    Verdict,
    Withheld,
)

BOTTOM_LINE: Final = "Bottom line"
DISAGREEMENTS: Final = "Where sources disagree"
NEEDED: Final = "What would change this answer"
NEEDED_UNANSWERED: Final = "What the answer depends on"
GAPS: Final = "What could not be supported"
NEAREST: Final = "Nearest passages"
REFERENCES: Final = "References"
RELATED: Final = "Related questions"
GLOSSARY: Final = "Glossary"
OWN_WORDS: Final = "Terms in our own words"
WITHHELD: Final = "What this version leaves out"
EVIDENCE: Final = "Evidence"

#: What is done, by the steps of the pipeline that take long enough to be told of, the waiting before them first.
STEPS: Final = {
    "accepted": "Reading the question",
    "retrieve": "Searching the sources",
    "select": "Choosing sentences",
    "compose": "Writing the article",
    "verify": "Checking every sentence against its quote",
    "read": "Reading the question with {model}",
    "write": "Writing with {model}",
}
_MODEL: Final = "the language model"
_OUTCOMES: Final = {
    Outcome.ANSWERED: "Answered",
    Outcome.PARTIAL: "Answered in part",
    Outcome.ABSTAINED: "Not answered",
    Outcome.REDIRECTED: "Redirected",
}
_DECISIONS: Final = {
    # How strongly they do is said of each statement.
    "yes": "Sources speak for it",
    "no": "Sources speak against it",
    "depends": "Depends: for some patients or under conditions",
    "no_recommendation": "No recommendation for or against it",
}
#: A decision less probable than this is hardly one.
_SLIGHT: Final = 0.6
_REVIEWS: Final = {
    "submitted": "submitted, not yet reviewed by a clinician",
    "under_review": "under review by a clinician",
    "approved": "approved by a clinician",
    "rejected": "rejected by a clinician",
    "stale": "out of date, to be reviewed again",
}
#: Reasons that do not say by themselves what they mean.
_REASONS: Final = {
    "superseded": "a source was superseded",
    "retracted": "a source was retracted",
    "source_removed": "a source was removed",
    "replay_differs": "the question is answered otherwise now",
    "unsupported": "not supported by its evidence",
}
_EVIDENCE_TYPES: Final = {
    EvidenceType.RCT: "randomised controlled trial",
    EvidenceType.CONSUMER: "consumer information",
}
_COUNTRIES: Final = dict(
    pair.split("=")
    for pair in (
        "AE=United Arab Emirates|AR=Argentina|AT=Austria|AU=Australia|BD=Bangladesh|BE=Belgium|BG=Bulgaria|BR=Brazil|"
        "CA=Canada|CH=Switzerland|CL=Chile|CN=China|CO=Colombia|CY=Cyprus|CZ=Czechia|DE=Germany|DK=Denmark|EE=Estonia|"
        "EG=Egypt|ES=Spain|ET=Ethiopia|EU=EU|FI=Finland|FR=France|GB=UK|GH=Ghana|GR=Greece|HK=Hong Kong|HR=Croatia|"
        "HU=Hungary|ID=Indonesia|IE=Ireland|IL=Israel|IN=India|INT=international|IQ=Iraq|IR=Iran|IS=Iceland|IT=Italy|"
        "JO=Jordan|JP=Japan|KE=Kenya|KR=South Korea|LB=Lebanon|LK=Sri Lanka|LT=Lithuania|LU=Luxembourg|LV=Latvia|"
        "MA=Morocco|MT=Malta|MX=Mexico|MY=Malaysia|NG=Nigeria|NL=Netherlands|NO=Norway|NP=Nepal|NZ=New Zealand|PE=Peru|"
        "PH=Philippines|PK=Pakistan|PL=Poland|PT=Portugal|QA=Qatar|RO=Romania|RS=Serbia|RU=Russia|SA=Saudi Arabia|"
        "SE=Sweden|SG=Singapore|SI=Slovenia|SK=Slovakia|TH=Thailand|TN=Tunisia|TR=Türkiye|TW=Taiwan|UA=Ukraine|"
        "UG=Uganda|UK=UK|US=US|VN=Vietnam|ZA=South Africa"
    ).split("|")
)
_GRADES: Final = {"strong", "conditional", "weak", "moderate"}
_CERTAINTIES: Final = {"high", "moderate", "low", "very low"}
_WEB: Final = re.compile(r"https?://\S+", re.IGNORECASE)


def printable(text: str) -> str:
    """``text`` without control characters (terminal escapes) and direction overrides; line ends and tabs stay."""
    return "".join(c for c in text if c in "\n\t" or not (unicodedata.category(c) == "Cc" or _turns_direction(c)))


def one_line(text: str) -> str:
    """``text`` as one printable line, its white space collapsed."""
    return printable(" ".join(text.split()))


def country(jurisdiction: str | None) -> str | None:
    """Name of a jurisdiction code, or the code where we have no name; nothing where none is known."""
    return _COUNTRIES.get(jurisdiction, jurisdiction) if jurisdiction else None


def evidence_type_words(evidence_type: EvidenceType) -> str:
    return _EVIDENCE_TYPES.get(evidence_type, evidence_type.value.replace("_", " "))


def mark(number: int) -> str:
    return f"[{number}]"


def anchor(number: int) -> str:
    """Identifier of a reference within a page."""
    return f"ref-{number}"


def readings(answer: Answer) -> str:
    """What in the question was read as something else."""
    pairs = ", ".join(f"“{one_line(r.typed)}” was read as “{one_line(r.read)}”" for r in answer.readings)
    return f"{pairs}."


def follow_up(answer: Answer) -> str | None:
    """How a question of a conversation came about, if it was made of something else that was asked.

    Example: "Asked: “what dose?”. From before: “IVIG” (question 1)."
    """
    told = answer.follow_up
    if told is None or (told.kind == "first" and one_line(told.asked) == one_line(answer.question)):
        return None
    parts = [f"Asked: “{one_line(told.asked)}”."]
    if told.is_new_topic:
        parts.append("A new topic: nothing was taken over from before.")
    if told.carried:
        parts.append(f"From before: {', '.join(map(_carried, told.carried))}.")
    if told.replaced:
        pairs = (f"“{one_line(r.was)}” gave way to “{one_line(r.now)}”" for r in told.replaced)
        parts.append(f"{', '.join(pairs)}.")
    return " ".join(parts)


def _carried(part: Carried) -> str:
    """What was taken over; a question as a whole only by its number."""
    return f"question {part.turn}" if part.what == "question" else f"“{one_line(part.text)}” (question {part.turn})"


def step(name: str, model: str | None = None) -> str | None:
    """What is done in a step, if it is one to be told of; ``model`` is the name of the language model."""
    return STEPS[name].format(model=one_line(model or _MODEL)) if name in STEPS else None


def wording(answer: Answer) -> str | None:
    """What a language model did for an answer, where one was asked.

    Example: "Worded by qwen3 from the quotes that it cites; each sentence was checked against them."
    """
    told = answer.receipt.wording
    if told is None:
        return None
    why = one_line(told.reason or "")
    if told.written:
        how = "from the quotes that it cites; each sentence was checked against them"
        return f"Worded by {one_line(told.model)} {how}.{f' It ended early: {why}.' if why else ''}"
    if told.reason:
        return f"The language model could not be used: {why}. This is in the words of the sources."
    return f"{one_line(told.model)} was asked, and kept to the words of the sources."


def evidence(statement: Statement) -> str:
    """What leads to the quotes of a statement; of one in a model's words it says so."""
    return f"{EVIDENCE} (worded by the language model)" if statement.origin == "generated" else EVIDENCE


def status(answer: Answer) -> str:
    """Outcome, decision and review, as one line.

    Example: "Answered · Leans to no (probability 0.81) · Review: under review by a clinician (2026-01-28)".
    """
    return f"{outcome(answer)} · Review: {review(answer)}"


def outcome(answer: Answer) -> str:
    """Outcome and decision: "Answered · Sources speak against it"."""
    return " · ".join([_OUTCOMES[answer.outcome], *([decision(answer.decision)] if answer.decision else [])])


def review(answer: Answer) -> str:
    """Where its review stands, why and since when: "rejected by a clinician: unsafe (2026-01-28)"."""
    why = f": {reasons(answer)}" if answer.review.reasons else ""
    since = f" ({reviewed(answer)})" if answer.review.updated else ""
    return _REVIEWS[answer.review.status] + why + since


def reviewed(answer: Answer) -> str:
    """The day since when its review stands where it does: "2026-01-28"; nothing where nobody asked for one."""
    return (answer.review.updated or "").partition("T")[0]


def reasons(answer: Answer) -> str:
    """Why it is rejected or stale: "a source was retracted; a source was removed"."""
    return "; ".join(map(reason, answer.review.reasons))


def reason(code: str) -> str:
    """Why something was decided in a review, in words: "accurate as edited"."""
    return _REASONS.get(code, code.replace("_", " "))


def decision(decided: Decision) -> str:
    """What the evidence says to a question of yes or no. That of running text is an estimate, and says so."""
    if decided.probability is None:
        return _DECISIONS[decided.value]
    mixed = ", evidence is mixed" if decided.is_mixed else ""
    much = "Leans" if decided.probability >= _SLIGHT else "Leans slightly"
    return f"{much} to {decided.value} (probability {decided.probability:.2f}{mixed})"


def needed_heading(answer: Answer) -> str:
    return NEEDED if answer.bottom_line else NEEDED_UNANSWERED


def qualifier(statement: Statement) -> str | None:
    """What a reader must know beside the text: strength and certainty unless the text says them, which state of a label
    was read, and our reservations.

    Example: "strong recommendation, moderate certainty".
    """
    said = statement.text.casefold().replace("-", " ")
    stated = [
        _graded(statement.strength, _GRADES, "recommendation"),
        _graded(statement.certainty, _CERTAINTIES, "certainty"),
    ]
    parts = [words for words in stated if words and words.casefold().replace("-", " ") not in said]
    if statement.derived and not re.search(r"\bour\b|\bderived\b", said):
        parts.append("our own calculation or inference")
    if statement.as_of:
        parts += _as_of(statement.as_of, statement.text)
    if statement.verdict is Verdict.PARTIAL:
        parts.append("partly supported")
    elif statement.verdict is not Verdict.SUPPORTED:
        parts.append(statement.verdict.value)
    return ", ".join(parts) or None


def locator(evidence: Evidence) -> str:
    """Where in its source a quote stands: "Dosing, p. 12", or nothing."""
    page = f"p. {evidence.page}" if evidence.page is not None else None
    return ", ".join(part for part in (evidence.heading, page) if part)


def cited(evidence: Evidence, references: Sequence[Reference]) -> Reference | None:
    """The reference that ``evidence`` comes from; nothing for a passage that was only near."""
    return next((r for r in references if r.source_id == evidence.source_id), None)


def source_label(evidence: Evidence, references: Sequence[Reference]) -> str:
    """Number of the source of ``evidence`` as a mark, or its key when the source is not in the reference list."""
    found = cited(evidence, references)
    return mark(found.number) if found else evidence.source_id


def holder(position: Position, references: Sequence[Reference]) -> str:
    """Who holds a position: the issuing body, else the first author, else the container or title of its source."""
    if position.issuing_body:
        return position.issuing_body
    number = position.statement.citations[0]
    return author(next(r for r in references if r.number == number))


def author(reference: Reference) -> str:
    """Who a source is by, in a word: "Cuker A et al."; its container or title where that is not known."""
    if reference.authors:
        return reference.authors[0] + (" et al." if len(reference.authors) > 1 else "")
    return reference.container or reference.title


def short(reference: Reference) -> str:
    """A source as it is spoken of: "Cuker A et al., 2018"."""
    return author(reference) + (f", {reference.year}" if reference.year else "")


def place_and_year(position: Position) -> str:
    """Jurisdiction and year of a position: "UK, 2024"."""
    known = (country(position.jurisdiction), str(position.year) if position.year else None)
    return ", ".join(filter(None, known))


def details(reference: Reference, references: Sequence[Reference]) -> str:
    """What Vancouver style leaves out: evidence type, jurisdiction, state, and whether the source still stands."""
    parts = [evidence_type_words(reference.evidence_type), country(reference.jurisdiction)]
    as_of = reference.as_of
    if as_of and as_of != str(reference.year) and as_of not in reference.vancouver:
        parts.append(f"as of {as_of}" if as_of[0].isdigit() else as_of)
    if reference.retracted:
        parts.append("retracted")
    if reference.superseded_by:
        newer = next((mark(r.number) for r in references if r.source_id == reference.superseded_by), None)
        parts.append(f"superseded by {newer or reference.superseded_by}")
    return " · ".join(filter(None, parts))


def glossaries(answer: Answer) -> list[tuple[str, list[GlossaryEntry]]]:
    """The glossary under its headings: what sources say, and what we say; only those with entries."""
    parts = ((GLOSSARY, [e for e in answer.glossary if not e.derived]),
             (OWN_WORDS, [e for e in answer.glossary if e.derived]))  # fmt: skip
    return [(heading, entries) for heading, entries in parts if entries]


def meaning(entry: GlossaryEntry) -> str:
    """The meaning of a term, with the sentence that defines it where the meaning is not from it."""
    quoted = f" “{entry.definition}”" if entry.definition and entry.meaning not in entry.definition else ""
    return entry.meaning + quoted


def withheld(part: Withheld) -> str:
    """What is left out and why: "2 statements: how a treatment is dosed is for your treating team to decide"."""
    count = len(part.statement_ids)
    return f"{count} statement{'s' if count > 1 else ''}: {part.why}"


def receipt_line(answer: Answer) -> str:
    grade = "" if answer.reading_grade is None else f" · reading grade {answer.reading_grade:g} (Flesch–Kincaid)"
    only = f" · only from: {answer.receipt.filter}" if answer.receipt.filter else ""
    return f"Snapshot {answer.receipt.snapshot_id} · {answer.receipt.software} · answer {answer.answer_id}{grade}{only}"


def web_link(url: str | None) -> str | None:
    """``url`` if it is an http or https address without white space or control characters, else nothing."""
    return url if url and _WEB.fullmatch(url) and printable(url) == url else None


def page_of(reference: Reference) -> str | None:
    """The address at which a reader finds a source; nothing where there is none that can be followed."""
    return web_link(link(reference))


def linked(reference: Reference) -> list[tuple[str, str | None]]:
    """A Vancouver citation in pieces of (text, address): identifiers and addresses carry one, the rest none.

    Every address given is an http or https one.
    """
    targets = {f"doi:{reference.doi}": doi_url(reference.doi)} if reference.doi else {}
    if reference.pmid:
        targets[f"PMID: {reference.pmid}"] = pubmed_url(reference.pmid)
    if url := web_link(reference.url):
        targets[url] = url
    found = [text for text in targets if text in reference.vancouver]
    if not found:
        return [(reference.vancouver, None), *([(" ", None), (url, url)] if url else [])]
    pieces = re.split(
        "(" + "|".join(re.escape(text) for text in sorted(found, key=len, reverse=True)) + ")", reference.vancouver
    )
    return [(piece, targets.get(piece)) for piece in pieces if piece]


def _as_of(state: str, text: str) -> list[str]:
    """The state of a source in a few words, unless the text names its years: "as of 2024-11-14"."""
    short = state.partition(";")[0].strip()
    years = re.findall(r"\b(?:19|20)\d\d\b", short)
    if years and all(year in text for year in years):
        return []
    return [f"as of {short}" if short[:1].isdigit() else short]


def _graded(value: str | None, scale: set[str], noun: str) -> str | None:
    return f"{value} {noun}" if value and value.casefold() in scale else value


def _turns_direction(character: str) -> bool:
    return character in "\u2028\u2029" or "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"
