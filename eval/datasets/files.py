"""Reading the owners' files: JSON, JSON lines, CSV and XML, with errors that name the file and the line.

Text is taken as it is, but for white space around it. Lines end with a line feed only: the other separators that
Unicode knows occur inside the owners' text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from eval.datasets.base import About
from rag.errors import InputError

#: An element of lxml, which has no types.
Element = Any


class Entry(NamedTuple):
    """Named fields of a file, and where they stand in it, for messages."""

    place: str
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A field that must be there and not be empty. Numbers become text.

        Raises:
            InputError: otherwise.
        """
        found = self.optional(name)
        if not found:
            raise InputError(f"{self.place}: no text in the field {name!r}; it must be there and not be empty")
        return found

    def optional(self, name: str) -> str:
        """A field that may be missing, null or empty: then an empty string."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InputError(f"{self.place}: the field {name!r} is {value!r:.80}; expected text")
        return str(value).strip()

    def whole(self, name: str) -> int:
        """A whole number that must be there."""
        try:
            return int(self.text(name))
        except ValueError:
            raise self.wrong(name, "a whole number") from None

    def texts(self, name: str) -> tuple[str, ...]:
        """A text or list of texts, those that are not empty; none if the field is missing. Numbers become text."""
        value = self.fields.get(name)
        many = value if isinstance(value, list) else [value]
        if not all(part is None or isinstance(part, str | int) for part in many):
            raise self.wrong(name, "text or a list of texts")
        return tuple(text for part in many if part is not None and (text := str(part).strip()))

    def numbers(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers; none if the field is missing or null."""
        value = self.fields.get(name) or []
        if not isinstance(value, list) or not all(type(part) is int for part in value):
            raise self.wrong(name, "a list of whole numbers")
        return tuple(value)

    def lists(self, name: str) -> tuple[tuple[str, ...], ...]:
        """A list of texts or lists of texts, each as ``texts``, those that are not empty; none if it is missing."""
        value = self.fields.get(name)
        if not isinstance(value, list | None):
            raise self.wrong(name, "a list of lists of texts")
        return tuple(filter(None, (Entry(self.place, {name: part}).texts(name) for part in value or ())))

    def within(self, name: str) -> Entry:
        """The object under ``name``; one without fields if it is missing or null."""
        value = self.fields.get(name) or {}
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return Entry(f"{self.place}, {name}", value)

    def entries(self, name: str) -> Iterator[Entry]:
        """The objects of a list; none if the field is missing or null."""
        value = self.fields.get(name) or []
        if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
            raise self.wrong(name, "a list of objects")
        yield from (Entry(f"{self.place}, {name} {number}", part) for number, part in enumerate(value, start=1))

    def named(self, name: str) -> Iterator[tuple[str, Entry]]:
        """The objects of an object by name; none if the field is missing or null."""
        yield from self.within(name).all_named()

    def all_named(self) -> Iterator[tuple[str, Entry]]:
        """Every field, each of which is an object."""
        for key, part in self.fields.items():
            if not isinstance(part, dict):
                raise self.wrong(key, "an object")
            yield key, Entry(f"{self.place}, {key!r}", part)

    def wrong(self, name: str, expected: str) -> InputError:
        """The error of a field that has another form."""
        return InputError(f"{self.place}: the field {name!r} is {self.fields.get(name)!r:.80}; expected {expected}")


def found(folder: Path, about: About, *patterns: str) -> list[Path]:
    """Files in or below ``folder`` that match one of the ``patterns``: the nearest first, then by path.

    Raises:
        InputError: when there is none; the message says where to get the data.
    """
    if not folder.is_dir():
        raise InputError(f"{about.name}: {folder} is no folder; download the data from {about.source} into it")
    matches = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    paths = sorted(matches, key=lambda path: (len(path.parts), path))
    if not paths:
        raise InputError(f"{about.name}: {folder} has no {' or '.join(patterns)}; get it from {about.source}")
    return paths


def text_of(path: Path) -> str:
    """A whole file.

    Raises:
        InputError: when it is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Lines that are not blank, stripped, with their place."""
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        number = 0
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield f"{path}, line {number}", line.strip()
        except UnicodeDecodeError as error:
            raise InputError(f"{path}, after line {number}: not UTF-8; save the file as UTF-8") from error


def json_lines(path: Path) -> Iterator[Entry]:
    """The objects of a JSON lines file, one at a time."""
    for place, line in lines_of(path):
        yield Entry(place, _object(_parsed(line, place), place))


def json_list(path: Path, *keys: str) -> Iterator[Entry]:
    """The objects of a JSON file that holds a list of them, or an object with such a list under one of ``keys``."""
    value = _parsed(text_of(path), str(path))
    if isinstance(value, dict):
        value = next((value[key] for key in keys if key in value), None)
    if not isinstance(value, list):
        raise InputError(f"{path}: expected a list of objects{_under(keys)}")
    for number, part in enumerate(value, start=1):
        place = f"{path}, entry {number}"
        yield Entry(place, _object(part, place))


def json_object(path: Path) -> Entry:
    """A JSON file that holds an object."""
    return Entry(str(path), _object(_parsed(text_of(path), str(path)), str(path)))


def csv_rows(path: Path, *columns: str) -> Iterator[Entry]:
    """Rows of a CSV file with a header that names at least ``columns``. Rows of empty fields are left out."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, strict=True)
        try:
            lacking = [c for c in columns if c not in (rows.fieldnames or ())]
            if lacking:
                raise InputError(f"{path}, line 1: no column {lacking[0]!r}; expected {', '.join(columns)}")
            for row in rows:
                place = f"{path}, line {rows.line_num}"
                if None in row or None in row.values():
                    raise InputError(f"{place}: the row has not as many fields as the header; repair or restore it")
                if any(row.values()):
                    yield Entry(place, row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path}, line {rows.line_num}: not CSV in UTF-8: {error}") from error


def xml_root(path: Path) -> Element:
    """The root of an XML file, tags in lower case: the owners write them in either."""
    # The files are from outside: entities stay unresolved, and nothing is fetched.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.parse(str(path), parser).getroot()
    except etree.XMLSyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: not XML: {error.msg}; download the file again") from error
    for element in root.iter("*"):  # elements, without entities
        element.tag = element.tag.lower()
    return root


def inner(element: Element, path: str = ".") -> str:
    """The text in the first element at ``path``, its children's included, stripped; empty if there is none."""
    at = element.find(path)
    return "" if at is None else "".join(at.itertext()).strip()


def attribute(element: Element, name: str, path: Path) -> str:
    """An attribute that must be there and not be empty."""
    value = str(element.get(name, "")).strip()
    if not value:
        raise lacks(element, f"attribute {name!r}", path)
    return value


def lacks(element: Element, what: str, path: Path) -> InputError:
    """The error of an element without something that it must have."""
    return InputError(f"{path}, line {element.sourceline}: {element.tag!r} has no {what}; download the file again")


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = "" if ", line " in place else f", line {error.lineno}"
        raise InputError(
            f"{place}{line}: not JSON: {error.msg} at column {error.colno}; repair or restore it"
        ) from error


def _object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{place}: expected a JSON object, not {value!r:.40}")
    return value


def _under(keys: tuple[str, ...]) -> str:
    return f", or an object with one under {' or '.join(keys)}" if keys else ""
