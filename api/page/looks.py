"""How pages are made: templates that escape whatever they show, and the files that they load, all from this service."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rag.domain import Audience
from rag.render import words

_FOLDER: Final = Path(__file__).parent
_STATIC: Final = _FOLDER / "static"
#: A page loads nothing from elsewhere, runs no script that stands in it, and is framed by none.
SAFE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def digest() -> str:
    """Of all files that pages load: part of their addresses, so that browsers may keep them for ever."""
    whole = hashlib.sha256()
    for path in sorted(_STATIC.iterdir()):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(words=words, audiences=tuple(Audience), static=f"/static/{digest()}")
    return made


def rendered(name: str, **what: Any) -> str:
    """A template filled in. What is given is text, unless it is ``Markup``."""
    return _environment().get_template(f"{name}.html.jinja").render(**what)


def page(request: Request, name: str, status: int = 200, **what: Any) -> Response:
    """A whole page."""
    request.state.headers |= SAFE_HEADERS
    text = rendered(name, path=request.url.path, caller=getattr(request.state, "reader", None), **what)
    return Response(text, status, media_type="text/html; charset=utf-8")


def markup(made: str) -> Markup:
    """HTML that was made here, of escaped parts."""
    return Markup(made)  # noqa: S704


def file(name: str) -> tuple[bytes, str] | None:
    """A file that pages load, and its media type; none of that name is no error of ours."""
    path = _STATIC / name
    if path.parent != _STATIC or not path.is_file():
        return None
    return path.read_bytes(), _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
