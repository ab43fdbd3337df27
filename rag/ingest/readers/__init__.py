"""Readers: one module a format, each with ``read(stream, name) -> Iterator[Document]``.

``stream`` is a binary file at its start; ``name`` is the file's name, used in messages and, where the format has no
identifier of its own, for the key. A format of one document yields one. What is wrong with the whole file raises
``CorpusError``; a file of many documents raises it when the broken one is reached, and what was yielded stands.
"""
