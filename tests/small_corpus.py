"""A tiny corpus, for tests that need an index of their own; the encoder is borrowed from the starter index."""

from __future__ import annotations

from pathlib import Path

from rag.domain import Document
from rag.index.export import PACKAGED_MODEL, encoder_id
from rag.ingest.readers.markdown import read_markdown

CORPUS = Path(__file__).parent.parent / "corpus"

TINY = {
    "argatroban": (
        "## Dosing\n\n"
        '- Argatroban is started at 2 mcg/kg/min in heparin-induced thrombocytopenia (HIT). {#t1 checked="primary"}\n'
        '- In moderate hepatic impairment the dose is 0.5 mcg/kg/min. {#t2 strength="label section 2.3"}\n\n'
        "## Mechanism\n\nArgatroban is cleared by the liver. Its half-life is about 45 minutes.\n"
    ),
    "fondaparinux": "## Dosing\n\n- Avoid fondaparinux when creatinine clearance (CrCl) is below 30 mL/min. {#t3}\n",
    "warfarin": "## Pitfalls\n\n- Warfarin is not started in acute HIT before the platelet count recovers. {#t4}\n",
    "hernia": "## Recommendations\n\n- Watchful waiting is an option in men whose hernia hardly troubles them. {#t5}\n",
    "ivig": "## Exceptions\n\n- Intravenous immunoglobulin (IVIG) 1 g/kg is given in refractory HIT. {#t6}\n",
}


def markdown(key: str, body: str) -> bytes:
    """A file of the starter format."""
    header = f'---\nkey: {key}\ntitle: "About {key}"\njurisdiction: US\nevidence_type: guideline\n---\n\n'
    return (header + body).encode()


def document(key: str, body: str | None = None) -> Document:
    """The document of that key: one of the tiny corpus unless ``body`` is given."""
    return read_markdown(markdown(key, TINY[key] if body is None else body), f"{key}.md")


def tiny_corpus() -> list[Document]:
    return [document(key) for key in TINY]


def exported_encoder(index_dir: Path) -> Path:
    """The packaged model's export in an index that was built with it. Tests only read it."""
    return index_dir / "encoders" / encoder_id(PACKAGED_MODEL)


def empty_index(folder: Path, encoder: Path) -> Path:
    """A folder for an index that finds the encoder already exported."""
    (folder / "encoders").mkdir(parents=True)
    (folder / "encoders" / encoder.name).symlink_to(encoder)
    return folder
