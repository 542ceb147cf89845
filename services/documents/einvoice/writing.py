"""Terms written as XML by a table: at which path of elements each term stands, in their order.

A path goes on in the last element of the same name; ``+`` before a name begins another one, and
``[name=value]`` gives it an attribute, a term's number standing for the term.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from billing.money import find_currency, plain_text
from services.documents.einvoice.values import Amount, Identifier, Quantity, Term, Terms, UnitPrice

_SEGMENT: Final = re.compile(r"(\+?)([\w:]+)(?:\[(\w+)=([\w-]+)\])?")
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Replaced by ``?``, as on pages: a name of nothing else is a name all the same."""


class Place(NamedTuple):
    """Where a term stands.

    ``term`` is its number, or ``=`` and a text that stands there wherever ``given`` has a value.
    A group that repeats has the places of its own terms.
    """

    path: str
    term: str
    given: str | None = None
    inner: Sequence[Place] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """How one syntax writes days, and whether each amount says its currency."""

    root: str
    namespaces: Mapping[str, str]
    day: Callable[[date], str]
    has_currencies: bool


def write(syntax: Syntax, places: Iterable[Place], terms: Terms) -> bytes:
    """The terms as a file in UTF-8, the same bytes every time; what has no value is left out."""
    root = ET.Element(syntax.root, dict(syntax.namespaces))
    _fill(root, syntax, places, terms)
    ET.indent(root)
    written = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'.encode()


def _fill(parent: ET.Element, syntax: Syntax, places: Iterable[Place], terms: Terms) -> None:
    for place in places:
        if place.term.startswith("="):
            if place.given is None or _text(terms.get(place.given), syntax):
                _make(parent, place.path, terms).text = place.term[1:] or None
            continue
        value = terms.get(place.term)
        if isinstance(value, (list, tuple)):
            for inner in value:
                _fill(_make(parent, place.path, inner), syntax, place.inner, inner)
        elif text := _text(value, syntax):
            element = _make(parent, place.path, terms)
            element.text = text
            _describe(element, value, syntax)


def _make(parent: ET.Element, path: str, terms: Terms) -> ET.Element:
    """The element at the end of a path: always a new one, in the last of those that lead there."""
    *way, last = path.split("/")
    for segment in way:
        parent = _step(parent, segment, terms, is_new=False)
    return _step(parent, last, terms, is_new=True)


def _step(parent: ET.Element, segment: str, terms: Terms, *, is_new: bool) -> ET.Element:
    found = _SEGMENT.fullmatch(segment)
    assert found is not None
    plus, name, attribute, value = found.groups()
    if not (plus or is_new) and len(parent) and parent[-1].tag == name:
        return parent[-1]
    element = ET.SubElement(parent, name)
    if attribute:
        element.set(attribute, str(terms[value]) if value.startswith("BT-") else value)
    return element


def _describe(element: ET.Element, value: Term, syntax: Syntax) -> None:
    match value:
        case Quantity():
            element.set("unitCode", value.unit_code)
        case Identifier():
            element.set("schemeID", value.scheme)
        case Amount() | UnitPrice() if syntax.has_currencies:
            element.set("currencyID", value.currency)
        case _:
            pass


def _text(value: Term, syntax: Syntax) -> str:
    match value:
        case None:
            return ""
        case str():
            return _NOT_XML.sub("?", value).strip()
        case date():
            return syntax.day(value)
        case Decimal():
            return plain_text(value)
        case Amount():
            return f"{find_currency(value.currency).round(value.value):f}"
        case Quantity() | UnitPrice():
            return plain_text(value.value)
        case Identifier():
            return _NOT_XML.sub("?", value.value).strip()
        case _:
            return "a group"
