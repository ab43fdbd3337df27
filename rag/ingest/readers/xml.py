"""XML read safely and as a stream: nothing is fetched or expanded, and what was read is freed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from rag.errors import CorpusError

HREF = "{http://www.w3.org/1999/xlink}href"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

_CHUNK = 1 << 16
_GZIP = b"\x1f\x8b"
_SHOWN_ENTITIES = 3
#: Of text between the ends of two records, for the tree of it is some 30 times as large. The longest record of MEDLINE
#: has under 1 MB; an article has a file to itself, which may be as large as any file of one document.
MAX_RECORD_BYTES = 16 * 2**20


def elements(stream: BinaryIO, name: str, *tags: str, most_bytes: int = MAX_RECORD_BYTES) -> Iterator[Any]:
    """Each element called one of ``tags``, whole, in any namespace; it is emptied when the next one is asked for.

    No more than about ``most_bytes`` are taken up from one's end to the next one's.

    ``stream`` may be compressed with gzip. ``name`` is only used in messages. Comments and processing instructions are
    left out, references to undeclared entities stand as ``etree.Entity`` nodes, and a DTD is never fetched.

    Raises:
        CorpusError: when what is not well-formed XML, or damaged as gzip, is reached, for declared entities, and for an
            element that is too long.
    """
    source = _decompressed(stream)
    parser = _parser(tags)
    is_checked = False
    problem: CorpusError | None = None
    chunk = b"first"
    held_bytes = 0
    while chunk and problem is None:
        try:
            chunk = source.read1(_CHUNK)
            parser.feed(chunk) if chunk else parser.close()
        except etree.XMLSyntaxError as error:
            problem = _not_well_formed(error, name)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            problem = CorpusError(f"{name}: damaged as gzip: {error}; expected a whole .gz file; fetch it again")
        for _, element in parser.read_events():  # also what was whole before the problem
            if not is_checked:
                _refuse_entities(element, name)
                is_checked = True
            yield element
            _free(element)
            held_bytes = 0
        held_bytes += len(chunk)
        if held_bytes > most_bytes and problem is None:
            problem = CorpusError(
                f"{name}: over {most_bytes >> 20} MB without the end of a <{tags[0]}>; expected shorter ones; split it"
            )
    if problem is not None:
        raise problem


def strip_namespaces(element: Any) -> None:
    """Give every element within its local name: JATS and its tables and formulas come with and without namespaces."""
    for node in element.iter(etree.Element):
        if node.tag[0] == "{":
            node.tag = node.tag.rpartition("}")[2]


def _parser(tags: tuple[str, ...]) -> Any:
    return etree.XMLPullParser(  # not with collect_ids=False, for which lxml loads the DTD after all
        events=("end",),
        tag=[f"{{*}}{tag}" for tag in tags],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _decompressed(stream: BinaryIO) -> Any:
    """``stream``, or what it is the gzip of, as a file with ``read1``, which gives all there is before a damage."""
    start = stream.read(len(_GZIP))
    stream.seek(0)
    return gzip.GzipFile(fileobj=stream) if start == _GZIP else _Plain(stream)


class _Plain:
    def __init__(self, stream: BinaryIO) -> None:
        self.read1 = stream.read


def _refuse_entities(element: Any, name: str) -> None:
    dtd = element.getroottree().docinfo.internalDTD
    declared = [str(entity.name) for entity in dtd.iterentities()] if dtd is not None else []
    if declared:
        shown = ", ".join(declared[:_SHOWN_ENTITIES]) + (", …" if len(declared) > _SHOWN_ENTITIES else "")
        raise CorpusError(
            f"{name}: declares entities in its DOCTYPE ({shown}); expected none, as they are never expanded; "
            "write out what they stand for"
        )


def _not_well_formed(error: Any, name: str) -> CorpusError:
    if error.code == etree.ErrorTypes.ERR_NO_MEMORY:
        return CorpusError(f"{name}: takes more memory to read than a file may; split it")
    line = error.lineno or 1
    message = " ".join((error.msg or "no content").split())
    return CorpusError(f"{name}: not well-formed XML at line {line}: {message}; expected a whole XML file; mend it")


def _free(element: Any) -> None:
    """Empty ``element`` and drop what stands before it, which keeps a file of any length in constant memory."""
    element.clear(keep_tail=False)
    node = element
    while (parent := node.getparent()) is not None:
        while node.getprevious() is not None:
            del parent[0]
        node = parent
