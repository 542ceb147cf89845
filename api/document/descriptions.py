"""What operations say of themselves beyond the sentence that stands at their routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from api.document.operations import Document

WRITTEN: Final = Path(__file__).with_name("descriptions.md")

_SECTION: Final = re.compile(r"^## (\w+)\n\n(.+?)\n*(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_REFUSAL: Final = re.compile(r"\b(\d{3})\s`([a-z_]+)`")
_LINE_END: Final = re.compile(r"(?<!\n)\n(?!\n)")


@cache
def read_descriptions() -> Mapping[str, str]:
    """What was written, by the operation's name, each paragraph in one line."""
    return {name: _LINE_END.sub(" ", text) for name, text in _SECTION.findall(WRITTEN.read_text())}


def describe_further(operation: Document) -> None:
    """An operation that has a section says it after its first sentences."""
    written = read_descriptions().get(operation["operationId"])
    if written is not None:
        operation["description"] = f"{operation['description']}\n\n{written}"


def refusals_named(name: str) -> list[str]:
    """What the section of an operation says that it is refused by: ``409 lookup_id_taken``."""
    return [" ".join(found) for found in _REFUSAL.findall(read_descriptions().get(name, ""))]
