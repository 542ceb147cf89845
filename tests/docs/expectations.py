"""Whether an answer is what a page says: a part of it, with ``…`` for whatever stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

ANYTHING = "…"


def differences(kind: str, expected: str, output: str) -> list[str]:
    """How the output is not what the block says; nothing if it is."""
    if kind == "json":
        answer = _last_json(output)
        return _compare(_read(expected), answer, "answer")
    return _missing_lines(expected.splitlines(), output.splitlines())


def _read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _last_json(output: str) -> Any:
    """What a block printed last; what came before it on lines of their own does not matter."""
    for start in [0, *(found.end() for found in re.finditer(r"\n", output))]:
        try:
            return _read(output[start:])
        except json.JSONDecodeError:
            continue
    return output


def _compare(expected: Any, answer: Any, place: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(answer, dict):
        return [
            difference
            for name, value in expected.items()
            for difference in (
                _compare(value, answer[name], f"{place}.{name}")
                if name in answer
                else [f"{place}.{name} is missing"]
            )
        ]
    if isinstance(expected, list) and isinstance(answer, list):
        return _compare_lists(expected, answer, place)
    if isinstance(expected, str) and ANYTHING in expected:
        is_equal = expected == ANYTHING or _matches(expected, str(answer))
    else:
        is_equal = expected == answer
    return [] if is_equal else [f"{place} is {answer!r}, not {expected!r}"]


def _compare_lists(expected: Sequence[Any], answer: Sequence[Any], place: str) -> list[str]:
    is_open = bool(expected) and expected[-1] == ANYTHING
    wanted = expected[:-1] if is_open else expected
    if len(answer) < len(wanted) or (not is_open and len(answer) != len(wanted)):
        return [f"{place} has {len(answer)} elements, not {len(wanted)}"]
    return [
        difference
        for number, (one, other) in enumerate(zip(wanted, answer, strict=False))
        for difference in _compare(one, other, f"{place}.{number}")
    ]


def _missing_lines(expected: Sequence[str], output: Sequence[str]) -> list[str]:
    """Lines that do not come in this order. How many spaces stand in them does not matter."""
    lines = iter(" ".join(line.split()) for line in output)
    wanted = [" ".join(line.split()) for line in expected if line.strip() not in {"", ANYTHING}]
    return [
        f"no line {one!r} in its place"
        for one in wanted
        if not any(_matches(one, line) for line in lines)
    ][:1]


def _matches(pattern: str, text: str) -> bool:
    parts = (re.escape(part) for part in pattern.split(ANYTHING))
    return re.fullmatch(".*".join(parts), text) is not None
