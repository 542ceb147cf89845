"""A request that is given up: whoever works in the database for it hears of it."""

from __future__ import annotations

import pytest

from billing.errors import Unavailable
from repositories.cancellation import CancelScope, current_cancel_scope
from tests.services.shop import Shop

REASON = Unavailable("The caller hung up.", code="caller_left")


def test_work_at_rest_is_given_up_without_a_wait_and_begins_nothing_more(shop: Shop) -> None:
    scope = CancelScope()
    token = current_cancel_scope.set(scope)
    try:
        assert scope.cancel_at_rest(REASON)
        with (
            pytest.raises(Unavailable, match="hung up"),
            shop.transactions.for_organization(shop.organization_id),
        ):
            pass
    finally:
        current_cancel_scope.reset(token)


def test_work_in_a_transaction_is_not_given_up_without_telling_the_server(shop: Shop) -> None:
    scope = CancelScope()
    token = current_cancel_scope.set(scope)
    try:
        with shop.transactions.for_organization(shop.organization_id):
            assert not scope.cancel_at_rest(REASON)
            scope.require_going_on()
    finally:
        current_cancel_scope.reset(token)
