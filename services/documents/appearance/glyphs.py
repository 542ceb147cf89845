"""What the fonts of documents can show. They ship with the program (fonts/README.md).

An archived page (PDF/A) may hold no character without a glyph, so that one is replaced before.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

FONTS: Final = Path(__file__).parent / "fonts"
FAMILIES: Final = (
    ("Inter", "Inter-Regular.otf"),
    ("Noto Sans Arabic", "NotoSansArabic-Regular.ttf"),
    ("Noto Sans Hebrew", "NotoSansHebrew-Regular.ttf"),
    ("Noto Sans Devanagari", "NotoSansDevanagari-Regular.ttf"),
    ("Noto Sans Thai", "NotoSansThai-Regular.ttf"),
    ("Droid Sans Fallback", "DroidSansFallbackFull.ttf"),
)
"""The families in the order in which they are asked for a glyph, each with a file of it."""

REPLACEMENT: Final = "?"


def printable(text: str) -> str:
    """The text with every character that no font shows as ``?``, on one line.

    What turns the direction of text around or is invisible is left out; letters and their accents
    are one character where Unicode has it.
    """
    shown = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if category in {"Cc", "Zl", "Zp"}:
            shown.append(" ")
        elif category == "Zs":
            shown.append(character if ord(character) in covered() else " ")
        elif category != "Cf":
            shown.append(character if ord(character) in covered() else REPLACEMENT)
    return "".join(shown)


@lru_cache(maxsize=1)
def covered() -> frozenset[int]:
    """The code points that have a glyph in one of the fonts, private ones left out."""
    points: set[int] = set()
    for _, name in FAMILIES:
        points |= code_points((FONTS / name).read_bytes())
    return frozenset(
        point for point in points if unicodedata.category(chr(point)) not in {"Co", "Cn", "Cs"}
    )


def code_points(font: bytes) -> set[int]:
    """The code points that a font file maps to glyphs: its Unicode ``cmap`` (formats 4 and 12)."""
    (tables,) = struct.unpack_from(">H", font, 4)
    for at in range(12, 12 + 16 * tables, 16):
        tag, _, start, _ = struct.unpack_from(">4sLLL", font, at)
        if tag == b"cmap":
            return _mapped(font, start)
    return set()


def _mapped(font: bytes, cmap: int) -> set[int]:
    points: set[int] = set()
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    for at in range(cmap + 4, cmap + 4 + 8 * count, 8):
        _, _, offset = struct.unpack_from(">HHL", font, at)
        (form,) = struct.unpack_from(">H", font, cmap + offset)
        if form == 4:
            points |= _segments(font, cmap + offset)
        elif form == 12:
            points |= _groups(font, cmap + offset)
    return points


def _segments(font: bytes, at: int) -> set[int]:
    (doubled,) = struct.unpack_from(">H", font, at + 6)
    shape = f">{doubled // 2}H"
    ends = struct.unpack_from(shape, font, at + 14)
    starts = struct.unpack_from(shape, font, at + 16 + doubled)
    deltas = struct.unpack_from(shape, font, at + 16 + 2 * doubled)
    offsets = struct.unpack_from(shape, font, at + 16 + 3 * doubled)
    points = set()
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for point in range(start, min(end, 0xFFFE) + 1):
            glyph = point + deltas[place]
            if offsets[place]:
                here = at + 16 + 3 * doubled + 2 * place
                (found,) = struct.unpack_from(
                    ">H", font, here + offsets[place] + 2 * (point - start)
                )
                glyph = found and found + deltas[place]
            if glyph & 0xFFFF:
                points.add(point)
    return points


def _groups(font: bytes, at: int) -> set[int]:
    (count,) = struct.unpack_from(">L", font, at + 12)
    points: set[int] = set()
    for group in range(at + 16, at + 16 + 12 * count, 12):
        start, end, _ = struct.unpack_from(">LLL", font, group)
        points.update(range(start, end + 1))
    return points
