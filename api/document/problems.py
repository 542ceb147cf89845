"""How each operation refuses: its statuses, and the codes that come with each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from api.document.codes import PLACE, read_codes
from api.document.descriptions import refusals_named
from api.document.operations import Document
from api.transport import idempotency
from api.transport.conditional.tags import IF_MATCH

REFUSALS: Final = Path(__file__).parent / "refusals.json"
"""What tests have seen of each operation, beyond what holds for its kind: `make refusals`."""

PROBLEM_CONTENT: Final[Document] = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}

EVERY: Final = (
    "400 invalid_header",
    "422 invalid_input",
    "422 invalid_text",
    "500 internal_error",
)
WORKING: Final = (
    "503 caller_left",
    "503 database_unavailable",
    "503 too_busy",
    "503 too_slow",
    "503 write_conflict",
)
PROBES: Final = {"get_health", "get_liveness", "get_readiness", "get_metrics"}
"""Operations that wait for no turn, and tell of the database instead of needing it."""
SECURED: Final = (
    "401 credentials_missing",
    "401 invalid_api_key",
    "401 invalid_token",
    "401 unsupported_authorization",
    "404 organization_not_found",
    "429 rate_limited",
)
BY_KEY: Final = ("403 address_not_allowed", "403 scope_missing")
BY_MEMBER: Final = ("403 role_missing", "403 second_factor_missing")
BY_SESSION: Final = ("403 session_required",)
CHANGING: Final = (
    "403 cross_site_request",
    "413 body_too_large",
    "415 unsupported_media",
)
"""A body is read, and refused, even by operations that need none."""
CONDITIONAL: Final = ("412 precondition_failed",)
BODIED: Final = (
    "422 duplicate_key",
    "422 invalid_body",
    "422 invalid_json",
    "422 number_out_of_range",
    "422 too_many_keys",
)
KEYED: Final = (
    "409 idempotency_key_in_use",
    "422 idempotency_key_reused",
    "422 invalid_idempotency_key",
)


def describe_problems(operation: Document, method: str) -> None:
    """The operation tells each status that it refuses by, with the codes of it."""
    responses: Document = operation["responses"]
    responses.pop("422", None)
    codes: dict[str, set[str]] = defaultdict(set)
    named = refusals_named(operation["operationId"])
    for refusal in (*refusals_of_kind(operation, method), *_seen(operation), *named):
        status, code = refusal.split()
        codes[status].add(code)
    for status, those in codes.items():
        if status not in responses:
            responses[status] = _describe(int(status), sorted(those))
    operation["responses"] = dict(sorted(responses.items()))


def refusals_of_kind(operation: Document, method: str) -> Iterator[str]:
    """What every operation of its kind may be refused by."""
    yield from EVERY
    if operation["operationId"] not in PROBES:
        yield from WORKING
    if operation["security"]:
        yield from SECURED
        by_key = any("api_key" in scheme for scheme in operation["security"])
        yield from BY_KEY if by_key else BY_SESSION
        yield from BY_MEMBER
    if method != "get":
        yield from CHANGING
    if "requestBody" in operation:
        yield from BODIED
    headers = set(map(_name_of, operation.get("parameters", ())))
    if IF_MATCH in headers:
        yield from CONDITIONAL
    if idempotency.HEADER in headers:
        yield from KEYED


def _name_of(parameter: Document) -> str:
    """The name of a parameter, also of one that is told elsewhere."""
    told: str = parameter.get("name") or parameter["$ref"].rpartition("/")[2]
    return told


@cache
def read_refusals() -> Mapping[str, Sequence[str]]:
    """What tests have seen, by the operation's name."""
    found: dict[str, list[str]] = json.loads(REFUSALS.read_text())
    return found


def _seen(operation: Document) -> Sequence[str]:
    return read_refusals().get(operation["operationId"], ())


def _describe(status: int, codes: Sequence[str]) -> Document:
    known = read_codes()
    told = (f"- [`{code}`]({PLACE}/{code}): {known[code].title}." for code in codes)
    answer: dict[str, Any] = {
        "description": "\n".join([f"{HTTPStatus(status).phrase}.", "", *told]),
        "content": PROBLEM_CONTENT,
        "x-codes": list(codes),
    }
    return answer
