"""The method that tries charge: told anew with every payment, and changed by few of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import select

from models.base import new_id
from models.payments.links import PaymentMethod
from repositories.payments import links
from tests.services.credits.purse import BEGIN
from tests.services.purchases.till import Till
from tests.services.purchases.topping_up import save_method

MINUTE = timedelta(minutes=1)


def tell(till: Till, at: datetime, reference: str = "m", *, has_worked: bool = True) -> None:
    """A payment tells of the method that it was made by."""
    purse = till.purse
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        known = session.exec(select(PaymentMethod)).one()
        told = {"id": new_id(), "method_reference": reference, "created_at": at, "updated_at": at}
        method = PaymentMethod(**{**known.model_dump(), **told})
        links.save_method(session, method, has_worked=has_worked)


def stands(till: Till) -> tuple[bool, datetime]:
    """Whether the method can be charged, and when it last changed."""
    purse = till.purse
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        known = session.exec(select(PaymentMethod)).one()
        return known.is_usable, known.updated_at


def test_a_method_that_is_told_again_has_not_changed(till: Till) -> None:
    save_method(till)

    tell(till, BEGIN + MINUTE)
    tell(till, BEGIN + 2 * MINUTE, has_worked=False)

    assert stands(till) == (True, BEGIN)


def test_another_method_is_a_change(till: Till) -> None:
    save_method(till)

    tell(till, BEGIN + MINUTE, "other")

    assert stands(till) == (True, BEGIN + MINUTE)


def test_one_that_works_again_is_a_change_and_one_that_fails_again_is_none(till: Till) -> None:
    save_method(till)
    purse = till.purse
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        known = session.exec(select(PaymentMethod)).one()
        where = known.organization_id, known.customer_id, known.connection_id
        links.mark_unusable(session, *where, charged_since=BEGIN, now=BEGIN + MINUTE)

    tell(till, BEGIN + 2 * MINUTE, has_worked=False)
    assert stands(till) == (False, BEGIN + MINUTE)

    tell(till, BEGIN + 3 * MINUTE)
    assert stands(till) == (True, BEGIN + 3 * MINUTE)


def test_a_decline_of_a_charge_that_began_before_leaves_another_method_usable(till: Till) -> None:
    save_method(till)
    tell(till, BEGIN + MINUTE, "other")
    purse = till.purse
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        known = session.exec(select(PaymentMethod)).one()
        where = known.organization_id, known.customer_id, known.connection_id
        links.mark_unusable(session, *where, charged_since=BEGIN, now=BEGIN + 2 * MINUTE)

    assert stands(till) == (True, BEGIN + MINUTE)
