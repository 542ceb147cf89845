"""What tests see refused: each code stands in the catalogue.

With FLUXRATE_RECORD_REFUSALS the operation is written down too (`make refusals`).
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import FastAPI

from api.document.codes import read_codes
from api.document.operations import operations

RECORD_TO: Final = os.environ.get("FLUXRATE_RECORD_REFUSALS")
INVENTED: Final = {"no_slots"}
"""Codes of tests themselves."""
PROBLEM: Final = "application/problem+json"
Documented = list[tuple[str, re.Pattern[str], str, dict[str, Any]]]


@cache
def _documented(app: FastAPI) -> Documented:
    """Operations by method and address, those without parameters first."""
    found = [
        (method.upper(), _pattern(path), path, operation)
        for path, method, operation in operations(app.openapi())
    ]
    return sorted(found, key=lambda one: one[2].count("{"))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


def look(app: FastAPI, method: str, url: str, answer: Any) -> None:
    """A refusal that a test saw stands in the catalogue; who refused is written down if asked."""
    is_problem = answer.headers.get("content-type") == PROBLEM and answer.content
    if answer.status_code < 400 or not is_problem:
        return
    status, code = answer.status_code, answer.json()["code"]
    assert code in read_codes().keys() | INVENTED, f"codes.toml lacks {code}"
    if RECORD_TO:
        _write_down(app, method, urlsplit(url).path, f"{status} {code}")


def _write_down(app: FastAPI, method: str, path: str, refusal: str) -> None:
    assert RECORD_TO
    for known, pattern, _, operation in _documented(app):
        if known == method.upper() and pattern.fullmatch(path):
            with Path(RECORD_TO).open("a") as file:
                file.write(f"{operation['operationId']} {refusal}\n")
            return
