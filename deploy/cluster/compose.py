"""The settings that ``docker-compose.yml`` gives its services, as its own file says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = Path(__file__).parents[2] / "docker-compose.yml"

SUBSTITUTION: Final = re.compile(
    r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<words>[^}]*))?\}",
)


def environment_of(service: str, answers: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service where ``answers`` are the lines of the file ``.env``.

    Raises KeyError if the file asks for a value that is not among them.
    """
    document: Mapping[str, Any] = yaml.safe_load(FILE.read_text())
    environment = document["services"][service]["environment"]
    return {name: substituted(str(value), answers) for name, value in environment.items()}


def substituted(text: str, answers: Mapping[str, str]) -> str:
    """The text with its ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?reason}`` filled in.

    Worked example: ``${PORT:-8000}`` is 8000 unless ``PORT`` is answered.
    """

    def answer(found: re.Match[str]) -> str:
        name, kind, words = found["name"], found["kind"], found["words"]
        given = answers.get(name, "")
        if given or kind is None:
            return given
        if kind == "-":
            return words
        raise KeyError(f"{name}: {words}")

    return SUBSTITUTION.sub(answer, text)
