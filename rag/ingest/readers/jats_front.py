"""The bibliographic record of a JATS article and the works it cites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.domain import EvidenceType
from rag.ingest.readers.assembly import cleaned
from rag.ingest.readers.design import design_of
from rag.ingest.readers.fields import date_of, doi_of
from rag.ingest.readers.xml import HREF, LANGUAGE
from rag.ingest.readers.xml_text import text_of

_BY_ARTICLE_TYPE = {
    "case-report": EvidenceType.CASE_REPORT,
    "review-article": EvidenceType.NARRATIVE_REVIEW,
    "systematic-review": EvidenceType.SYSTEMATIC_REVIEW,
    "meta-analysis": EvidenceType.SYSTEMATIC_REVIEW,
}
_BY_SUBJECT = {
    **dict.fromkeys(("practice guideline", "clinical practice guideline"), EvidenceType.GUIDELINE),
    **dict.fromkeys(("guideline", "clinical guideline"), EvidenceType.GUIDELINE),
    **dict.fromkeys(("systematic review", "meta-analysis"), EvidenceType.SYSTEMATIC_REVIEW),
    "case report": EvidenceType.CASE_REPORT,
    "case series": EvidenceType.CASE_SERIES,
    "review": EvidenceType.NARRATIVE_REVIEW,
}
#: Types whose title may say the design of a study that they report whole.
_REPORTS = frozenset(("research-article", "brief-report", "rapid-communication", "review-article", "other", ""))
#: What a related article makes of this one, in our words; those that retract it also mark it so.
_RELATIONS = {
    "retracted-article": "Notice of the retraction of {}.",
    "partial-retraction-of": "Notice of the retraction of a part of {}.",
    "corrected-article": "Correction of {}.",
    "object-of-concern": "Expression of concern about {}.",
    "commentary-article": "Commentary on {}.",
    "retraction-forward": "Retracted; the notice is {}.",
    "partial-retraction": "Retracted in part; the notice is {}.",
    "correction-forward": "Corrected by {}.",
    "expression-of-concern": "The journal has expressed concern about it in {}.",
}
_RETRACTED_TITLE = re.compile(r"\W*retracted\b\s*(?:article)?\s*[:\])-]", re.IGNORECASE)
_NOT_PUBLISHING = frozenset(
    "pmc-release nihms-submitted preprint retracted corrected received accepted rev-recd rev-request".split()
)
_ISSUE_DATES = frozenset(("ppub", "collection", "epub-ppub", "print"))
_CC = re.compile(
    r"creativecommons\.org/(?:licen[cs]es/(?P<code>[a-z-]+)/(?P<version>\d\.\d)|(?P<zero>publicdomain/zero)|"
    r"(?P<mark>publicdomain/mark))"
)
_CC_NAME = re.compile(r"\bCC[ -]BY(?:[ -](?:NC|ND|SA))*(?: \d\.\d)?\b")
_CC_WORDS = re.compile(
    r"Creative Commons Attribution(?P<parts>(?:[- –/]*(?:non-?commercial|no-? ?deriv\w+|share-? ?alike))*)"
    r"(?: (?:License,? )?(?:version )?(?P<version>\d\.\d))?",
    re.IGNORECASE,
)
_CC_PARTS = (("comm", "NC"), ("share", "SA"), ("deriv", "ND"))
_MAX_LICENCE = 300


def stated_by(article: Any) -> dict[str, object]:
    """Fields of ``Source`` as the front matter states them, in no checked form; ``title`` is "" when there is none."""
    meta = article.find("front/article-meta")
    journal = article.find("front/journal-meta")
    ids = {node.get("pub-id-type"): cleaned(node.text or "") for node in meta.iterchildren("article-id")}
    published, year = _dates(meta)
    title = _title(meta)
    relations, is_retracted = _relations(meta)
    return {
        "title": title,
        "evidence_type": _evidence_type(article, meta, title),
        "authors": list(_authors(meta)),
        "et_al": meta.find("contrib-group/etal") is not None,
        "container": _container(journal),
        "publisher": text_of(journal.find("publisher/publisher-name")) if journal is not None else None,
        "published": published,
        "year": year,
        "volume": text_of(meta.find("volume")),
        "issue": text_of(meta.find("issue")),
        "pages": _pages(meta),
        "doi": ids.get("doi"),
        "pmid": ids.get("pmid"),
        "pmcid": ids.get("pmcid") or ids.get("pmc"),
        "licence": _licence(meta),
        # "en" is what the DTD says of an article that names no language
        "language": article.get(LANGUAGE) or "en",
        "retracted": is_retracted or _RETRACTED_TITLE.match(title) is not None,
        "note": relations,
    }


def _title(meta: Any) -> str:
    group = meta.find("title-group")
    if group is None:
        return ""
    title = text_of(group.find("article-title")) or text_of(group.find("trans-title-group/trans-title"))
    parts = [title, *map(text_of, group.iterchildren("subtitle"))]
    return ": ".join(part.rstrip("*†‡§¶ ").removesuffix(":") for part in parts if part)


def _container(journal: Any | None) -> str:
    if journal is None:
        return ""
    names = [*journal.iter("journal-title"), *journal.iterfind("journal-id[@journal-id-type='nlm-ta']")]
    return next(filter(None, map(text_of, names)), "")


def _authors(meta: Any) -> Iterator[str]:
    """ "Cuker A", as MEDLINE writes names; a group as it calls itself."""
    for contrib in meta.iterfind("contrib-group/contrib"):
        if contrib.get("contrib-type", "author") != "author":
            continue
        name = next(contrib.iter("name", "string-name"), None)
        collab = contrib.find("collab")
        if name is not None and collab is None:
            yield name_of(name)
        elif collab is not None:
            for members in [*collab.iter("contrib-group")]:
                members.clear(keep_tail=True)
            yield text_of(collab).rstrip(".,;: ")


def name_of(name: Any) -> str:
    surname, given = text_of(name.find("surname")), text_of(name.find("given-names"))
    if not surname:
        return text_of(name)
    return " ".join(filter(None, (surname, _initials(given), text_of(name.find("suffix")).rstrip("."))))


def _initials(given: str) -> str:
    """ "AM" for "Anne-Marie", "A. M." and "AM"."""
    words = [word for word in re.split(r"[\s.-]+", given) if word]
    return "".join(word if word.isupper() and len(word) <= 3 else word[0].upper() for word in words)


def _dates(meta: Any) -> tuple[str | None, str | None]:
    """When it was first published, as exactly as known, and the year of its issue, by which it is cited."""
    dates: list[tuple[str, str]] = []
    for node in meta.iterchildren("pub-date"):
        parts = [text_of(node.find(part)) for part in ("year", "month", "day")]
        known = [part for i, part in enumerate(parts) if part and all(parts[:i])]
        date = date_of(node.get("iso-8601-date")) or date_of("-".join(known)) or date_of(" ".join(known))
        kind = node.get("pub-type") or node.get("publication-format") or ""
        if date and node.get("date-type", kind) not in _NOT_PUBLISHING:
            dates.append((date, kind))
    issued = [date[:4] for date, kind in dates if kind in _ISSUE_DATES]
    published = min((date for date, _ in dates), key=lambda date: (-len(date), date), default=None)
    return published, issued[0] if issued else (published or "")[:4] or None


def _pages(meta: Any) -> str:
    first, last = text_of(meta.find("fpage")), text_of(meta.find("lpage"))
    return f"{first}-{last}" if last and first != last else first or text_of(meta.find("elocation-id"))


def _licence(meta: Any) -> str | None:
    """ "CC BY 4.0"; of several the strictest, for the address and the text do not always agree."""
    licences = [*meta.iterfind("permissions/license")]
    addresses = [str(node.get(HREF) or "") for licence in licences for node in licence.iter()]
    text = cleaned(" ".join("".join(licence.itertext()) for licence in licences))
    text = text or text_of(next(meta.iter("copyright-statement"), None))
    names = [*map(_cc_name, _CC.finditer(" ".join([*addresses, text]))), *(m[0] for m in _CC_NAME.finditer(text))]
    names += map(_cc_words, _CC_WORDS.finditer(text))
    if names:
        return max(names, key=lambda name: (name.count("-"), len(name)))
    text = text or next(filter(None, addresses), "")
    return text if len(text) <= _MAX_LICENCE else text[:_MAX_LICENCE].rpartition(" ")[0] + " …"


def _cc_name(match: re.Match[str]) -> str:
    if match["code"]:
        return f"CC {match['code'].upper()} {match['version']}"
    return "CC0 1.0" if match["zero"] else "Public Domain Mark 1.0"


def _cc_words(match: re.Match[str]) -> str:
    words = match["parts"].casefold()
    name = "-".join(["CC BY", *(part for word, part in _CC_PARTS if word in words)])
    return f"{name} {match['version']}" if match["version"] else name


def _evidence_type(article: Any, meta: Any, title: str) -> EvidenceType:
    kind = article.get("article-type") or ""
    if kind not in _REPORTS and kind not in _BY_ARTICLE_TYPE:
        return EvidenceType.UNCLASSIFIED  # letters, notices, abstracts: what they are about is not what they are
    subjects = [text_of(subject).casefold() for subject in meta.iterfind("article-categories/subj-group/subject")]
    found = [design_of(title), _BY_ARTICLE_TYPE.get(kind, EvidenceType.UNCLASSIFIED)]
    found += [_BY_SUBJECT.get(name) or _BY_SUBJECT.get(name.removesuffix("s")) or found[1] for name in subjects]
    return min(found, key=list(EvidenceType).index)


def _relations(meta: Any) -> tuple[str | None, bool]:
    """What is said of other articles and by them about this one, and whether it was retracted."""
    notes = []
    is_retracted = False
    for node in meta.iterchildren("related-article"):
        kind = node.get("related-article-type") or ""
        is_retracted |= kind == "retraction-forward"
        if kind in _RELATIONS:
            other = node.get(HREF) or text_of(node) or "not named"
            notes.append(_RELATIONS[kind].format(f"doi:{doi_of(other)}" if doi_of(other) else other))
    return " ".join(dict.fromkeys(notes)) or None, is_retracted
