"""Documents as pictures: for people in docs, and small ones that the suite compares with.

``python -m tests.services.documents.pictures`` draws both again; look at them before committing.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any, Final

import typst

from services.documents.appearance.glyphs import FAMILIES, FONTS
from services.documents.layout import page_of
from services.documents.pdf import PAGE
from services.documents.view import Document
from tests.services.documents.samples import samples

GOLDEN: Final = Path(__file__).parent / "golden"
FOR_PEOPLE: Final = Path(__file__).parents[3] / "docs" / "images" / "documents"
SMALL: Final = 30
"""Dots an inch: enough to see a block that moved, too few to see how an edge was smoothed."""

MOST_PAGES: Final = 2


def draw(document: Document, dots: int) -> list[bytes]:
    """The first pages of a document as PNG files."""
    page = page_of(document) | {"fonts": [family for family, _ in FAMILIES], "einvoice": None}
    # Its stub forgets that several pages are a list.
    drawn: Any = typst.compile(
        str(PAGE),
        root=str(PAGE.parent),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        format="png",
        ppi=dots,
        sys_inputs={"page": json.dumps(page)},
    )
    pages: list[bytes] = drawn if isinstance(drawn, list) else [drawn]
    return pages[:MOST_PAGES]


def grey(picture: bytes) -> tuple[int, bytes]:
    """The width of a PNG file of ours, and how bright each pixel is."""
    width, height, _, kind = struct.unpack_from(">LLBB", picture, 16)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    packed, at = b"", 8
    while at < len(picture):
        length, name = struct.unpack_from(">L4s", picture, at)
        packed += picture[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += 12 + length
    rows, row = zlib.decompress(packed), bytes(width * channels)
    bright = bytearray()
    for start in range(0, height * (width * channels + 1), width * channels + 1):
        row = _unfiltered(rows[start], rows[start + 1 : start + 1 + len(row)], row, channels)
        bright += row[::channels] if channels < 3 else row[1::channels]
    return width, bytes(bright)


def _unfiltered(form: int, row: bytes, above: bytes, step: int) -> bytes:
    """A row of pixels out of what is stored of it (PNG, 9.2)."""
    done = bytearray(row)
    for place, stored in enumerate(row):
        left = done[place - step] if place >= step else 0
        up, corner = above[place], above[place - step] if place >= step else 0
        near = left + up - corner
        by_distance = sorted(
            (abs(near - one), order, one) for order, one in enumerate((left, up, corner))
        )
        added = (0, left, up, (left + up) // 2, by_distance[0][2])[form]
        done[place] = stored + added & 0xFF
    return bytes(done)


def main() -> None:
    """Draw everything again."""
    for folder, dots in ((GOLDEN, SMALL), (FOR_PEOPLE, 88)):
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in samples().items():
            for place, picture in enumerate(draw(document, dots), 1):
                (folder / f"{name}-{place}.png").write_bytes(picture)


if __name__ == "__main__":
    main()
