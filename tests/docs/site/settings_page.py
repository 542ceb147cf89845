"""The page of the reference that lists every setting: what operators read, beside what is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from runtime.settings import Settings
from tests.docs.pages import DOCS

HEAD: Final = """# Settings

Every environment variable that an installation reads, or line of a file `.env` in its working
directory. What follows from them: [running Fluxrate](../operators/running.md#settings).

| Name | Default | Value | What it does |
|---|---|---|---|
"""
ROW: Final = re.compile(r"^\| `([A-Z_]+)` \|(.*?)\|(.*)\|$", re.MULTILINE)
UNITS: Final = {
    "_seconds": "seconds",
    "_days": "days",
    "_years": "years",
    "_per_minute": "each minute",
    "_size": "requests",
    "_slots": "at a time",
    "_workflows": "workflows",
}
KINDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the operators' page says of a setting."""

    default: str
    meaning: str


def read_told() -> Mapping[str, Told]:
    """Every row of the operators' table, by the variable's name."""
    text = (DOCS / "operators" / "running.md").read_text()
    return {
        name: Told(default=default.strip(), meaning=meaning.strip())
        for name, default, meaning in ROW.findall(text)
    }


def fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """The variable of each setting, its name in the code, and what the code says of it."""
    for name, field in Settings.model_fields.items():
        yield str(field.validation_alias or f"FLUXRATE_{name.upper()}"), name, field


def write_value(name: str, field: FieldInfo) -> str:
    """What a setting takes, with its unit and range."""
    kinds = [one for one in get_args(field.annotation) if one is not NoneType]
    kind = kinds[0] if kinds else field.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{one.value}`" for one in kind)
    unit = next((f", {told}" for end, told in UNITS.items() if name.endswith(end)), "")
    bounds = [
        f", {word} {getattr(one, end)}"
        for end, word in (("ge", "at least"), ("le", "at most"))
        for one in field.metadata
        if hasattr(one, end)
    ]
    return "".join([KINDS.get(kind, "text"), unit if kind in (int, float) else "", *bounds])


def list_settings() -> str:
    """The page. Raises KeyError where the operators' page lacks a setting."""
    told = read_told()
    rows = []
    for variable, name, field in fields():
        one = told[variable]
        # The operators' page lies in another folder, whose pages it names without one.
        meaning = re.sub(r"\]\((?=[a-z-]+\.md)", "](../operators/", one.meaning)
        rows.append(f"| `{variable}` | {one.default} | {write_value(name, field)} | {meaning} |")
    return HEAD + "\n".join(rows) + "\n"
