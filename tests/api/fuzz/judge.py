"""Whether an answer is one that the document tells of, by schemathesis' judgement and by ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx2
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.answers import AnswerChecks
from tests.api.fuzz.cases import GeneratedCase
from tests.api.refusals import PROBLEM, documented_codes, record

ALLOWED_OUTAGES: Final = {503}
"""What an answer of a server may be, if the document says so: it was asked for too much."""

CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
]


class Judge:
    """Judges every answer."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._answers = AnswerChecks(document)

    def faults_of(
        self, case: GeneratedCase, described: dict[str, Any], answer: httpx2.Response
    ) -> Iterator[str]:
        """What is wrong with it, each in a line that is the same whenever the same is wrong."""
        if answer.status_code >= 500 and answer.status_code not in ALLOWED_OUTAGES:
            yield f"a server's error: {answer.text[:300]}"
        checks = list(CHECKS)
        if "fluxrate-numbers" not in answer.request.headers:
            checks.append(response_schema_conformance)  # which tells of numbers as numbers
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as group:
            for one in group.exceptions:
                yield f"{one.title}: {one.message}"[:600]
        if answer.is_error:
            yield from self._of_refusal(described, answer)
            return
        try:
            self._answers.check(answer)  # not of those with numbers as texts
        except AssertionError as error:
            yield f"not as described: {error}"[:600]

    @staticmethod
    def _of_refusal(described: dict[str, Any], answer: httpx2.Response) -> Iterator[str]:
        if answer.headers.get("content-type") != PROBLEM:
            return
        problem = answer.json()
        refusal = f"{answer.status_code} {problem['code']}"
        record(described["operationId"], refusal)
        if str(problem["status"]) != str(answer.status_code):
            yield f"the problem has another status than the answer: {refusal}"
        if refusal not in documented_codes(described):
            yield f"not documented: {refusal}"
