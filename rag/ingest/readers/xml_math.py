"""MathML as a line of text."""

from __future__ import annotations

import re
from typing import Any

from rag.ingest.readers.assembly import RAISED

#: 10<sup>9</sup> must not become 109.
_CAN_BE_RAISED = re.compile(r"[0-9+−-]+")
_SINGLE = re.compile(r"[\w.]*")
_TOKENS = frozenset(("mi", "mn", "mtext", "ms"))
_SPACED_SIGNS = frozenset("= < > ≤ ≥ ≈ ≠ ± × → ∼ ≡ ∈".split())
_LEFT_OUT = frozenset(("annotation", "annotation-xml", "mphantom"))


def formula_text(node: Any) -> str:
    """A formula as text: powers raised, fractions with a stroke, all else in its order."""
    tag = node.tag
    if tag in _TOKENS:
        return "".join(node.itertext()).strip()
    if tag == "mo":
        sign = "".join(node.itertext()).strip()
        return f" {sign} " if sign in _SPACED_SIGNS else sign
    if not isinstance(tag, str) or tag in _LEFT_OUT:
        return ""
    if tag in ("mspace", "mtd"):
        return " " + "".join(map(formula_text, node))
    parts = [formula_text(child) for child in node]
    if tag in _LAYOUTS and len(parts) >= 2:
        return _LAYOUTS[tag](parts)
    if tag == "mfenced":
        return f"{node.get('open', '(')}{', '.join(parts)}{node.get('close', ')')}"
    if tag == "mtable":
        return ";".join(parts)
    return f"√{_wrapped(''.join(parts))}" if tag == "msqrt" else "".join(parts)


def _wrapped(text: str) -> str:
    text = text.strip()
    return text if _SINGLE.fullmatch(text) else f"({text})"


def _power(base: str, exponent: str) -> str:
    exponent = exponent.strip()
    if _CAN_BE_RAISED.fullmatch(exponent):
        return base + exponent.translate(RAISED)
    return f"{base}^{_wrapped(exponent)}" if exponent else base


_LAYOUTS = {
    "mfrac": lambda parts: f"{_wrapped(parts[0])}/{_wrapped(parts[1])}",
    "mroot": lambda parts: f"{_wrapped(parts[0])}^(1/{parts[1].strip()})",
    "msup": lambda parts: _power(parts[0], parts[1]),
    "msubsup": lambda parts: _power(parts[0] + parts[1], "".join(parts[2:])),
    "munderover": lambda parts: _power(f"{parts[0]}_{_wrapped(parts[1])}", "".join(parts[2:])) + " ",
}
