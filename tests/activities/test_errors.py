"""A broken rule ends a step by name; everything else passes as it is, to be tried again."""

from __future__ import annotations

import pytest
from temporalio.exceptions import ApplicationError

from activities.errors import translated
from billing.errors import (
    BillingError,
    Conflict,
    Forbidden,
    IntegrationError,
    InvalidInput,
    InvalidTransition,
    InvariantBroken,
    NotFound,
    Rejected,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

FINAL: tuple[type[BillingError], ...] = (
    Conflict,
    Forbidden,
    IntegrationError,
    InvalidInput,
    InvalidTransition,
    InvariantBroken,
    NotFound,
    Rejected,
    TooLarge,
    Unauthenticated,
)


@pytest.mark.parametrize("kind", FINAL)
def test_broken_rule_is_a_failure_that_is_not_retried(kind: type[BillingError]) -> None:
    with pytest.raises(ApplicationError) as caught, translated():
        raise kind("Somebody broke a rule.", code="some_rule")

    assert caught.value.type == "some_rule"
    assert caught.value.non_retryable
    assert caught.value.message == "Somebody broke a rule."
    assert isinstance(caught.value.__cause__, kind)


def test_failure_carries_the_ids_that_the_rule_was_about() -> None:
    with pytest.raises(ApplicationError) as caught, translated():
        raise Conflict("It is gone.", code="gone", invoice_id="inv_1")

    assert caught.value.details == ({"invoice_id": "inv_1"},)


@pytest.mark.parametrize("passing", [Unavailable("away"), TimeoutError(), ValueError("a bug")])
def test_everything_else_passes_as_it_is(passing: Exception) -> None:
    with pytest.raises(type(passing)) as caught, translated():
        raise passing

    assert caught.value is passing
