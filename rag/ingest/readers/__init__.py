"""Readers: one module a format, each with ``read(stream, name) -> Iterator[Document]``.

``stream`` is a binary file at its start; ``name`` is the file's name, used in messages and, where the format has no
identifier of its own, for the key. A format of one document yields one. What is wrong with the whole file raises
``CorpusError``; a file of many documents raises it when the broken one is reached, and what was yielded stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from rag.domain import Document
from rag.errors import CorpusError

Read = Callable[[BinaryIO, str], Iterator[Document | CorpusError]]
"""A reader. One of many documents may yield, in the place of a record that cannot be used, why not."""
