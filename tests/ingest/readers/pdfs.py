"""Small PDFs for the tests of their reader, made with reportlab."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = 612.0, 792.0
LEFT, RIGHT_COLUMN = 72.0, 320.0
PITCH = 12.0

for _name, _file in (("Vera", "Vera.ttf"), ("Vera-Bold", "VeraBd.ttf")):
    pdfmetrics.registerFont(TTFont(_name, _file))


class Sheets:
    """Pages written from the top: ``y`` counts points from the upper edge."""

    def __init__(self, user_password: str | None = None, owner_password: str | None = None, **metadata: str) -> None:
        self._out = BytesIO()
        encryption: Any = None
        if owner_password:
            encryption = StandardEncryption(user_password or "", owner_password)
        self.canvas = Canvas(self._out, pagesize=(WIDTH, HEIGHT), encrypt=encryption, invariant=1)
        for name, value in metadata.items():
            getattr(self.canvas, f"set{name.capitalize()}")(value)

    def text(self, x: float, y: float, text: str, size: float = 10, font: str = "Vera") -> float:
        """Writes one line and returns where it ends."""
        self.canvas.setFont(font, size)
        self.canvas.drawString(x, HEIGHT - y, text)
        return x + pdfmetrics.stringWidth(text, font, size)

    def lines(self, x: float, y: float, lines: Iterable[str], size: float = 10, font: str = "Vera") -> float:
        """Writes lines under each other and returns the place of the next."""
        for line in lines:
            self.text(x, y, line, size, font)
            y += PITCH
        return y

    def raised(self, x: float, y: float, before: str, up: str, after: str, size: float = 10) -> None:
        x = self.text(x, y, before, size)
        x = self.text(x, y - 0.35 * size, up, 0.6 * size)
        self.text(x, y, after, size)

    def table(self, y: float, rows: Sequence[Sequence[str]], xs: Sequence[float], is_ruled: bool = True) -> float:
        """Cells at ``xs``, the first row bold, ruled over and under it and at the end."""
        end = xs[-1] + 110
        if is_ruled:
            self.rule(xs[0], end, y - 11)
        for i, row in enumerate(rows):
            for x, cell in zip(xs, row, strict=True):
                self.text(x, y, cell, 9, "Vera-Bold" if i == 0 else "Vera")
            if is_ruled and i in (0, len(rows) - 1):
                self.rule(xs[0], end, y + 4)
            y += 15
        return y

    def rule(self, left: float, right: float, y: float) -> None:
        self.canvas.line(left, HEIGHT - y, right, HEIGHT - y)

    def image(self, x: float, y: float, width: float, height: float) -> None:
        self.canvas.drawInlineImage(Image.new("L", (8, 8), 128), x, HEIGHT - y - height, width, height)

    def end_page(self) -> None:
        self.canvas.showPage()

    def bytes(self) -> bytes:
        self.canvas.save()
        return self._out.getvalue()


def prose(count: int, subject: str = "line", words: int = 5) -> list[str]:
    """``count`` different lines of about the same width, the last one with a full stop."""
    number = "one two three four five six seven eight nine ten eleven twelve".split()
    lines = [f"{subject} {number[i % 12]} " + " ".join(["plain"] * (words - 2)) for i in range(count)]
    return [*lines[:-1], f"{lines[-1]}."]
