"""The pictures of the documentation as what they are made of: elements with words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, parse

from tests.docs.pages import DOCS

FOLDER: Final = DOCS / "images" / "diagrams"
SVG: Final = "{http://www.w3.org/2000/svg}"


def drawings() -> list[Path]:
    """Every picture, by its name."""
    return sorted(FOLDER.glob("*.svg"))


def read(name: str) -> Element:
    """One picture."""
    return parse(FOLDER / f"{name}.svg").getroot()


def words_of(drawing: Element) -> list[str]:
    """What is written in a picture."""
    return ["".join(one.itertext()) for one in drawing.iter(f"{SVG}text")]


def facts(drawing: Element, *names: str) -> Iterator[dict[str, str]]:
    """What elements say beside their place, of those that say all of these names.

    A picture holds what it draws as ``data-…``, so that tests compute it again.
    """
    for element in drawing.iter():
        told = {
            name.removeprefix("data-"): value
            for name, value in element.attrib.items()
            if name.startswith("data-")
        }
        if told.keys() >= set(names):
            yield told


def numbers(drawing: Element, name: str) -> list[Decimal]:
    """All numbers of a name, in the order in which they are drawn."""
    return [Decimal(told[name]) for told in facts(drawing, name)]
