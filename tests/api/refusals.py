"""What tests see refused: each code stands in the catalogue, and the document tells of it.

With FLUXRATE_RECORD_REFUSALS it is written down instead, with its operation (`make refusals`).
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from api.document.codes import read_codes
from api.document.operations import Document, operations
from tests.api.shared_document import shared_document

RECORD_TO: Final = os.environ.get("FLUXRATE_RECORD_REFUSALS")
INVENTED: Final = {"no_slots"}
"""Codes of tests themselves."""
PROBLEM: Final = "application/problem+json"
Documented = list[tuple[str, re.Pattern[str], str, Document]]


@cache
def _documented() -> Documented:
    """Operations by method and address, those without parameters first."""
    found = [
        (method.upper(), _pattern(path), path, operation)
        for path, method, operation in operations(shared_document())
    ]
    return sorted(found, key=lambda one: one[2].count("{"))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


def documented_codes(operation: Document) -> set[str]:
    """Status and code of each refusal that the document tells of."""
    return {
        f"{status} {code}"
        for status, answer in operation["responses"].items()
        for code in answer.get("x-codes", ())
    }


def look(method: str, url: str, answer: Any) -> None:
    """A refusal that a test saw stands in the document. Raises AssertionError.

    Where nothing is documented, as of methods that an address does not take, there is nothing to
    compare.
    """
    if answer.status_code < 400:
        return
    is_problem = answer.headers.get("content-type") == PROBLEM and answer.content
    code = answer.json()["code"] if is_problem else None
    if code is not None:
        of_fields = {one["code"] for one in answer.json().get("errors", ())}
        unknown = {code, *of_fields} - read_codes().keys() - INVENTED
        assert not unknown, f"codes.toml lacks {unknown}"
    operation = _find(method.upper(), urlsplit(url).path)
    if operation is None or code in INVENTED:
        return
    refusal = f"{answer.status_code} {code}"
    if RECORD_TO and code is not None:
        record(operation["operationId"], refusal)
    elif code is None:
        assert str(answer.status_code) in operation["responses"], operation["operationId"]
    else:
        told = f"`{operation['operationId']}` says nothing of {refusal}: `make refusals`"
        assert refusal in documented_codes(operation), told


def record(name: str, refusal: str) -> None:
    """The operation of this name refused in this way: written down if that is asked for."""
    if RECORD_TO:
        with Path(RECORD_TO).open("a") as file:
            file.write(f"{name} {refusal}\n")


def _find(method: str, path: str) -> Document | None:
    for known, pattern, _, operation in _documented():
        if known == method and pattern.fullmatch(path):
            return operation
    return None
