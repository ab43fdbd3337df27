"""The process in which files are parsed, so that none of them can take the others with it.

Run by ``rag.ingest.reading``: ``python -m rag.ingest.worker MEMORY_BYTES``. Reads one path a line from standard input;
answers with lines of JSON: a document or a problem, each with how far the file was read, and an end. Memory is limited
by the system; time is the parent's affair, which kills what takes too long.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.files import format_of
from rag.ingest.readers.bibliography import completed, record_beside


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_AS)[1]))
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for line in sys.stdin:
        for answer in _answers(Path(json.loads(line))):
            out.write(answer + "\n")
        out.write('{"end": true}\n')
        out.flush()


def _answers(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            for item in _read(path, file):
                if isinstance(item, CorpusError):
                    yield _problem(str(item), file.tell())
                else:
                    yield f'{{"at": {file.tell()}, "document": {item.model_dump_json(exclude_defaults=True)}}}'
    except CorpusError as error:
        yield _problem(str(error))
    except OSError as error:
        yield _problem(f"{path.name}: cannot be read ({error.strerror or error}); expected a file that can be opened")
    except MemoryError:
        yield _problem(f"{path.name}: takes more memory to read than a file may; split it")
    except RecursionError:
        yield _problem(f"{path.name}: nested too deeply to be read; expected a document as editors write them")
    except Exception as error:  # a reader's library met something that nobody foresaw; the other files go on
        yield _problem(f"{path.name}: cannot be read ({type(error).__name__}: {error}); the file may be damaged")


def _read(path: Path, file: BinaryIO) -> Iterator[Document | CorpusError]:
    kind = format_of(path)
    items = kind.read()(file, path.name)
    record = None if kind.is_stream else record_beside(path)
    if record is None:
        yield from items
        return
    found = list(items)
    is_one = len(found) == 1  # of several articles in a file, nothing says which the record is of
    yield from (completed(item, record) if is_one and isinstance(item, Document) else item for item in found)


def _problem(text: str, at: int = 0) -> str:
    return json.dumps({"at": at, "problem": " ".join(text.split())})


if __name__ == "__main__":
    main()
