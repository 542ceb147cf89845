"""Logos: what is taken as one, what is refused, and that no document fails because of one."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from dataclasses import replace

import pytest
from pypdf import PdfReader

from billing.errors import InvalidInput
from services.documents.appearance.logos import LARGEST_SIDE, MOST_BYTES, read_logo
from services.documents.pdf import render_pdf, require_typesettable
from tests.services.documents.samples import samples

SQUARE = '<path fill="#3b46c4" d="M0 0h8v8H0z"/>'


def uri(content: bytes | str, kind: str = "image/svg+xml") -> str:
    held = content.encode() if isinstance(content, str) else content
    return f"data:{kind};base64,{base64.b64encode(held).decode()}"


def svg(inner: str = SQUARE) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">{inner}</svg>'


def png(width: int = 2, height: int = 2, pixels: bytes | None = None) -> bytes:
    """A picture of one colour, partly transparent."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">L", len(content)) + checked + struct.pack(">L", zlib.crc32(checked))

    rows = pixels if pixels is not None else height * (b"\x00" + width * b"\x3b\x46\xc4\x80")
    head = struct.pack(">LLBBBBB", width, height, 8, 6, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    "sent",
    [
        uri(png(), "image/png"),
        uri(svg()),
        uri('<?xml version="1.0" encoding="UTF-8"?>\n<!-- ours -->' + svg()),
        uri(svg('<g style="fill: red" transform="scale(2)"><circle r="2" fill="url(#a)"/></g>')),
    ],
    ids=["png", "svg", "prolog", "style"],
)
def test_logo_stands_on_documents(sent: str) -> None:
    logo = read_logo(sent)
    require_typesettable(logo)
    document = replace(samples()["one-line"], logo=logo)

    first = render_pdf(document)

    assert first == render_pdf(document)
    assert first != render_pdf(replace(document, logo=None))
    # The name is what readers aloud say of the picture.
    assert PdfReader(io.BytesIO(first)).pages[0].extract_text().startswith("Invoice\nNumber")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "https://harbor.example/logo.png",
        "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        uri(b"\x89PNG\r\n\x1a\n", "image/png"),
        uri(png(LARGEST_SIDE + 1, 1, b""), "image/png"),
        uri(png(0, 1, b""), "image/png"),
        uri(png() + bytes(MOST_BYTES), "image/png"),
        uri("<html/>"),
        uri("<svg/>"),
        uri(svg("<path")),
        uri(svg().encode("utf-16")),
        uri('<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + svg("&a;")),
        uri('<?xml-stylesheet href="https://harbor.example/a.css"?>' + svg()),
        uri(svg("<script>alert(1)</script>")),
        uri(svg("<text>Harbor</text>")),
        uri(svg("<style>@import 'https://harbor.example/a.css'</style>")),
        uri(svg('<image href="https://harbor.example/a.png"/>')),
        uri(svg('<use href="#a"/>')),
        uri(svg("<foreignObject/>")),
        uri(svg('<rect onload="alert(1)"/>')),
        uri(svg('<rect fill="url(https://harbor.example/a.svg#b)"/>')),
        uri(svg("<rect style=\"fill: url( '//harbor.example')\"/>")),
        uri(svg('<linearGradient xmlns:x="http://www.w3.org/1999/xlink" x:href="//a.example"/>')),
    ],
    ids=lambda sent: str(len(sent)),
)
def test_anything_else_is_refused_by_name(sent: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_logo(sent)

    assert (refusal.value.code, refusal.value.field) == ("invalid_logo", "logo")


def test_damaged_picture_is_refused_when_it_is_tried() -> None:
    logo = read_logo(uri(png(pixels=b"\x00"), "image/png"))

    with pytest.raises(InvalidInput, match="damaged"):
        require_typesettable(logo)
