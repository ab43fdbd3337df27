"""SciFact: claims that experts wrote from citations, against the cited abstracts, with rationale sentences.

From https://github.com/allenai/scifact: ``claims_train.jsonl`` and ``claims_dev.jsonl`` (``id``, ``claim``,
``evidence`` by document: lists of ``sentences`` and ``label``, SUPPORT or CONTRADICT; ``cited_doc_ids``) and
``corpus.jsonl`` (``doc_id``, ``title``, ``abstract``: a list of sentences). Claims without ``cited_doc_ids``, those of
the test file, have no labels and are left out. CC BY 4.0 (claims) and ODC-By 1.0 (abstracts).

For its documents as a retrieval set, with the judgements that BEIR publishes, load the folder as ``beir``.

Wadden et al. 2020, Fact or fiction: verifying scientific claims, doi:10.18653/v1/2020.emnlp-main.609.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset, verdict
from eval.datasets.files import Entry, found, json_lines
from eval.domain import Gold, Item
from rag.errors import InputError

ABOUT = About(
    "scifact",
    "scientific claims against cited abstracts, with rationale sentences",
    "https://github.com/allenai/scifact",
    "CC BY 4.0 (claims), ODC-By 1.0 (abstracts)",
)
_Abstracts = dict[str, tuple[str, ...]]


def load(folder: Path) -> Dataset:
    """One item a claim and cited abstract: the evidence is the abstract, ``gold.evidence`` its rationale sentences.

    An abstract without a rationale is neutral. Claims from one citation share their documents, so the first document
    of a claim is its ``cluster``; ``kind`` is the part of the set.
    """
    if prepared.is_prepared(folder):
        return dataset(ABOUT, _prepared(folder), prepared.corpus_of(folder))
    paths = found(folder, ABOUT, "claims_train.jsonl", "claims_dev.jsonl")
    abstracts = _abstracts(found(folder, ABOUT, "corpus.jsonl")[0])
    return dataset(ABOUT, (item for path in paths for item in _published(path, abstracts)))


def _abstracts(path: Path) -> _Abstracts:
    # Rationales count the sentences: none may be left out, even if empty.
    return {e.text("doc_id"): tuple(str(s).strip() for s in e.fields.get("abstract") or ()) for e in json_lines(path)}


def _published(path: Path, abstracts: _Abstracts) -> Iterator[Item]:
    part = path.stem.rpartition("_")[2]
    for entry in json_lines(path):
        cited = entry.texts("cited_doc_ids")
        for document in cited:
            sentences = abstracts.get(document)
            if not sentences:
                raise InputError(f"{entry.place}: cites {document}, which corpus.jsonl lacks; download both anew")
            yield _item(
                (f"scifact-{entry.text('id')}", document, cited[0], part),
                entry.text("claim"),
                " ".join(sentences),
                *_rationales(entry, document, sentences),
            )


def _rationales(entry: Entry, document: str, sentences: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The label of a document and its rationale sentences, in their order in the abstract."""
    numbers: set[int] = set()
    label = "neutral"
    for rationale in entry.within("evidence").entries(document):
        label = _label(rationale)
        numbers.update(rationale.numbers("sentences"))
    if not numbers <= set(range(len(sentences))):
        raise entry.wrong("evidence", f"sentences 0 to {len(sentences) - 1} of document {document}")
    return label, tuple(sentences[number] for number in sorted(numbers))


def _prepared(folder: Path) -> Iterator[Item]:
    texts = prepared.documents(folder)
    for query in prepared.queries(folder):
        for document in query.relevant:
            if not texts.get(document):
                raise InputError(f"{folder}: {query.query_id} cites {document}, which {prepared.CORPUS} lacks")
            rationales = [part for part in query.answer.entries("evidence") if part.text("doc") == document]
            sentences = {n: text for part in rationales for n, text in _numbered(part)}
            yield _item(
                (query.query_id, document, next(iter(query.relevant)), query.metadata.optional("beir_split")),
                query.text,
                texts[document],
                _label(rationales[0]) if rationales else "neutral",
                tuple(sentences[number] for number in sorted(sentences)),
            )


def _numbered(rationale: Entry) -> Iterator[tuple[int, str]]:
    numbers, texts = rationale.numbers("sentences"), rationale.texts("text")
    if len(numbers) != len(texts):
        raise rationale.wrong("sentences", "as many numbers as texts")
    yield from zip(numbers, texts, strict=True)


def _label(entry: Entry) -> str:
    label = verdict(entry.text("label"))
    if label is None:
        raise entry.wrong("label", "SUPPORT or CONTRADICT")
    return label


def _item(ids: tuple[str, str, str, str], claim: str, abstract: str, label: str, rationale: tuple[str, ...]) -> Item:
    claim_id, document, cluster, kind = ids
    return Item(
        item_id=f"{claim_id}-{document}",
        question=claim,
        evidence=(abstract,),
        kind=kind,
        cluster=cluster,
        gold=Gold(label=label, relevant={document: 1}, evidence=rationale),
    )
