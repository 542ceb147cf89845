"""Values and calls as people write them in Python and TypeScript."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

WIDTH: Final = 88

_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def python_value(value: Any) -> str:
    """A value of JSON in Python."""
    match value:
        case None | True | False:
            return repr(value)
        case dict() | list():
            return _nested(value, python_value, json.dumps, "    ")
    return json.dumps(value, ensure_ascii=False)


def typescript_value(value: Any) -> str:
    """A value of JSON in TypeScript."""
    if isinstance(value, dict | list):
        return _nested(value, typescript_value, _key, "  ")
    return json.dumps(value, ensure_ascii=False)


def call_text(function: str, given: Sequence[str], indent: str = "    ") -> str:
    """A call on one line if it fits there, else with a line for each thing that is given."""
    line = f"{function}({', '.join(given)})"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    # What is alone, or the last after short words, opens its braces on the line of the call.
    opens = bool(given) and given[-1].startswith(("{\n", "[\n"))
    if opens and len(", ".join(given[:-1])) < WIDTH // 2:
        return line
    return f"{function}(\n{_indented([f'{one},' for one in given], indent)}\n)"


def snake(name: str) -> str:
    """``CreditNote`` is ``credit_note``."""
    return _HUMP.sub("_", name).lower()


def _key(key: str) -> str:
    return key if _WORD.fullmatch(key) else json.dumps(key)


def _nested(
    value: dict[str, Any] | list[Any],
    write: Callable[[Any], str],
    write_key: Callable[[str], str],
    indent: str,
) -> str:
    if isinstance(value, dict):
        inner = [f"{write_key(key)}: {write(one)}" for key, one in value.items()]
        opening, closing = ("{ ", " }") if indent == "  " and inner else ("{", "}")
    else:
        inner = [write(one) for one in value]
        opening, closing = "[", "]"
    line = f"{opening}{', '.join(inner)}{closing}"
    if len(line) <= WIDTH - 20 and "\n" not in line:
        return line
    lines = _indented([f"{one}," for one in inner], indent)
    return f"{opening.strip()}\n{lines}\n{closing.strip()}"


def _indented(parts: Sequence[str], indent: str) -> str:
    return "\n".join(f"{indent}{line}" for part in parts for line in part.split("\n"))
