"""Logos: what an organization may send as one, and how its documents take it.

A logo comes as a data URI, so that it is one field of a JSON body. What is stored was typeset once
by the same rules as every document, so that no invoice ever fails because of it.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Final
from xml.etree import ElementTree as ET

from billing.errors import InvalidInput
from services.documents.view import Logo

MOST_BYTES: Final = 256 * 1024
LARGEST_SIDE: Final = 2048
"""Pixels. A picture of a few bytes may unfold to gigabytes."""

_FORMATS: Final = {"image/png": "png", "image/svg+xml": "svg"}
_URI: Final = re.compile(r"data:(image/png|image/svg\+xml);base64,([A-Za-z0-9+/=]*)")
_PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_SVG: Final = "{http://www.w3.org/2000/svg}"
_SHAPES: Final = frozenset(
    {
        *("svg", "g", "defs", "title", "desc", "clipPath", "mask"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("linearGradient", "radialGradient", "stop"),
    }
)
"""The elements of a logo: shapes and their colours. Letters are outlines, since no font but those
of documents is there; and nothing that runs, loads, embeds or
repeats others."""


def read_logo(uri: str) -> Logo:
    """The logo of a data URI. Raises InvalidInput ``invalid_logo``."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise _invalid("a data URI of image/png or image/svg+xml in base64")
    try:
        content = base64.b64decode(found[2], validate=True)
    except binascii.Error as error:
        raise _invalid("base64") from error
    if not 0 < len(content) <= MOST_BYTES:
        raise _invalid(f"of at most {MOST_BYTES} bytes")
    if _FORMATS[found[1]] == "png":
        _require_png(content)
    else:
        _require_shapes(content)
    return Logo(format=_FORMATS[found[1]], content=content)


def _require_png(content: bytes) -> None:
    if not content.startswith(_PNG_HEAD) or len(content) < 33:
        raise _invalid("a PNG picture")
    sides = struct.unpack_from(">LL", content, len(_PNG_HEAD))
    if not all(0 < side <= LARGEST_SIDE for side in sides):
        raise _invalid(f"of at most {LARGEST_SIDE} pixels a side")


def _require_shapes(content: bytes) -> None:
    # A document type could define entities that unfold without end; an instruction, load a style.
    if b"<!" in content.replace(b"<!--", b"") or b"<?" in content.removeprefix(b"<?xml "):
        raise _invalid("SVG without a document type and instructions")
    try:
        root = ET.fromstring(content.decode())  # noqa: S314  (see above)
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise _invalid("SVG in UTF-8") from error
    if root.tag != f"{_SVG}svg":
        raise _invalid("SVG")
    for element in root.iter():
        if str(element.tag).removeprefix(_SVG) not in _SHAPES:
            raise _invalid("SVG of shapes alone: letters as outlines, no scripts, no pictures")
        for name, value in element.attrib.items():
            _require_quiet(name.rpartition("}")[2], value)


def _require_quiet(name: str, value: str) -> None:
    plain = "".join(value.split()).casefold()
    is_reference = name == "href" and not plain.startswith("#")
    is_loading = "url(" in plain.replace("url(#", "") or "@import" in plain
    if is_reference or is_loading or name.casefold().startswith("on"):
        raise _invalid("SVG that loads and runs nothing")


def _invalid(what: str) -> InvalidInput:
    return InvalidInput(f"The logo must be {what}.", code="invalid_logo", field="logo")
