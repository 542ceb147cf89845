"""The fuzzing itself: a seed repeats its requests, and wrong answers are noticed."""

from __future__ import annotations

import copy
import random
from datetime import timedelta
from itertools import islice
from typing import Any

import httpx2
import pytest

from tests.api.fuzz import variations
from tests.api.fuzz.cases import Operation, read_operations
from tests.api.fuzz.ids import IdNames, IdPool
from tests.api.fuzz.judge import Judge
from tests.api.fuzz.variations import Variation
from tests.api.refusals import PROBLEM
from tests.api.shared_document import shared_document
from tests.api.transport.bad_requests import write_json


@pytest.fixture(scope="module")
def operations() -> dict[str, Operation]:
    return {one.name: one for one in read_operations(shared_document())}


def faults(operation: Operation, status: int, **answer: Any) -> str:
    """What the judge says of this answer."""
    request = httpx2.Request(*operation.name.replace(" ", " http://localhost").split())
    told = httpx2.Response(status, request=request, **answer)
    told.elapsed = timedelta()
    case = next(operation.requests(1))
    return "\n".join(Judge(shared_document()).faults_of(case, operation.described, told))


def test_a_seed_repeats_its_requests(operations: dict[str, Operation]) -> None:
    payments = operations["GET /api/v1/payments"]

    first, again, other = (list(islice(payments.requests(seed), 60)) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_every_operation_is_tried(operations: dict[str, Operation]) -> None:
    assert len(operations) == sum(map(len, shared_document()["paths"].values()))
    assert all(next(one.requests(1)) for one in list(operations.values())[::50])


def test_no_body_changes_what_later_ones_are_made_of() -> None:
    before = copy.deepcopy(variations.STUMBLES)
    chance = random.Random(9)
    nothing = IdPool(IdNames(shared_document()), [])
    variation = Variation(nothing, nothing, chance)

    for _ in range(20_000):
        write_json(variation.body_of({"items": [{"a": 1}, []]}, None))

    assert before == variations.STUMBLES


def test_an_answer_as_described_is_good(operations: dict[str, Operation]) -> None:
    assert not faults(operations["GET /livez"], 200, json={"status": "ok"})


@pytest.mark.parametrize(
    ("status", "body", "kind", "fault"),
    [
        (200, {"status": "ok", "surprise": 1}, "application/json", "surprise"),
        (200, {"status": 3}, "application/json", "status"),
        (200, {"status": "ok"}, "text/csv", "text/csv"),
        (418, {}, "application/json", "418"),
        (500, {"code": "internal_error", "status": 500}, PROBLEM, "a server's error"),
        (400, {"code": "never_heard_of", "status": 400}, PROBLEM, "never_heard_of"),
        (400, {"code": "invalid_header", "status": 422}, PROBLEM, "another status"),
    ],
)
def test_a_wrong_answer_is_noticed(
    operations: dict[str, Operation], status: int, body: Any, kind: str, fault: str
) -> None:
    headers = {"Content-Type": kind}

    assert fault in faults(operations["GET /livez"], status, json=body, headers=headers)
