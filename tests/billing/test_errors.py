"""The tree of errors: what each is one of, its code, and what it carries to people and machines."""

from __future__ import annotations

import pytest

from billing.errors import (
    BillingError,
    Conflict,
    Forbidden,
    IntegrationError,
    InvalidInput,
    InvalidTransition,
    InvariantBroken,
    NotFound,
    PreconditionFailed,
    Rejected,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

TREE: list[tuple[type[BillingError], str, type[BillingError]]] = [
    (InvalidInput, "invalid_input", BillingError),
    (NotFound, "not_found", BillingError),
    (Conflict, "conflict", BillingError),
    (InvalidTransition, "invalid_transition", Conflict),
    (PreconditionFailed, "precondition_failed", Conflict),
    (Unauthenticated, "unauthenticated", BillingError),
    (Forbidden, "forbidden", BillingError),
    (TooLarge, "too_large", BillingError),
    (InvariantBroken, "invariant_broken", BillingError),
    (IntegrationError, "integration_error", BillingError),
    (Unavailable, "unavailable", IntegrationError),
    (Rejected, "rejected", IntegrationError),
]


@pytest.mark.parametrize(("kind", "code", "parent"), TREE)
def test_every_error_has_its_code_and_its_place_in_the_tree(
    kind: type[BillingError], code: str, parent: type[BillingError]
) -> None:
    found = kind("It is so.")

    assert kind.__bases__ == (parent,)
    assert (found.code, found.detail, str(found)) == (code, "It is so.", "It is so.")
    assert (found.field, found.identifiers) == (None, {})


def test_codes_tell_errors_apart() -> None:
    codes = [code for _, code, _ in TREE] + [BillingError.code, TooManyRequests.code]

    assert len(set(codes)) == len(codes)


def test_an_error_carries_its_own_code_the_place_and_the_ids_that_are_involved() -> None:
    found = Conflict("Gone.", code="gone", field="a.1.b", invoice_id="7", plan_id=None)

    assert (found.code, found.field) == ("gone", "a.1.b")
    assert found.identifiers == {"invoice_id": "7", "plan_id": None}
    assert Conflict.code == "conflict"


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    found = TooManyRequests("Slow down.", retry_after_seconds=7)

    assert (found.code, found.retry_after_seconds) == ("too_many_requests", 7)
    assert TooManyRequests("x", retry_after_seconds=1, code="quota").code == "quota"


@pytest.mark.parametrize("kind", [Unavailable, Rejected])
def test_what_is_outside_is_no_fault_of_whoever_asked(kind: type[BillingError]) -> None:
    assert not issubclass(kind, (InvalidInput, Conflict, InvariantBroken))
