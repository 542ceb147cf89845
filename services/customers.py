"""Customers: create, edit, hide."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.kinds import DocumentLanguage
from billing.pending_changes import ChangeAction, PendingChange
from billing.subscriptions import has_ended
from models.base import new_id
from models.customers import Customer
from repositories import customers as stored_customers
from repositories.subscriptions import clocks as stored_clocks
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.addresses import find_country
from services.audit_log import record
from services.constraints import translating
from services.credits.recurring import rules
from services.required import require_clock, require_customer
from services.subscriptions import agenda, clocks
from services.subscriptions.stored_changes import set_change


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails:
    """What is known about a customer. ``external_id`` is the name that usage events use."""

    name: str
    email: str | None = None
    external_id: str | None = None
    phone: str | None = None
    billing_address_line1: str | None = None
    billing_address_city: str | None = None
    billing_address_state: str | None = None
    billing_address_postal_code: str | None = None
    billing_address_country: str | None = None
    tax_id: str | None = None
    language: DocumentLanguage | None = None
    buyer_reference: str | None = None


SHOWN_IN_AUDIT = frozenset({"billing_address_country", "language"})
"""Details whose values the audit log keeps. It outlives the erasure of a person's data, so that of
all others it keeps the names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCustomer:
    """A new customer, on the wall's time or on a test clock's for ever."""

    details: CustomerDetails
    test_clock_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCustomer:
    """New values of the details named in ``given``; the others stay."""

    details: CustomerDetails
    given: frozenset[str]


def create_customer(
    session: Session, organization_id: UUID, command: CreateCustomer, *, now: datetime
) -> Customer:
    """The customer exists.

    Raises Conflict ``external_id_taken``, NotFound for an unknown test clock, InvalidInput for an
    unknown country.
    """
    _require_clock(session, organization_id, command.test_clock_id)
    customer = Customer(
        organization_id=organization_id,
        id=new_id(),
        test_clock_id=command.test_clock_id,
        created_at=now,
        updated_at=now,
        **_values(command.details),
    )
    with _external_id_guarded(customer.external_id):
        stored_customers.insert_customer(session, customer)
    given = [name for name, value in _values(command.details).items() if value is not None]
    record(
        session,
        organization_id,
        "customer.created",
        "customer",
        customer.id,
        after={
            "given": sorted(given),
            "test_clock_id": command.test_clock_id,
            **_shown_in_audit(customer, given),
        },
        now=now,
    )
    return customer


def update_customer(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    command: UpdateCustomer,
    *,
    now: datetime,
) -> Customer:
    """The details given have their new values. Repeating it changes nothing.

    Raises NotFound, Conflict ``external_id_taken``, InvalidInput for an unknown country.
    """
    customer = _lock(session, organization_id, customer_id)
    values = _values(command.details)
    changed = sorted(name for name in command.given if getattr(customer, name) != values[name])
    if not changed:
        return customer
    before = _shown_in_audit(customer, changed)
    for name in changed:
        setattr(customer, name, values[name])
    customer.updated_at = now
    session.add(customer)
    with _external_id_guarded(customer.external_id):
        session.flush()
    record(
        session,
        organization_id,
        "customer.updated",
        "customer",
        customer.id,
        before={"changed": changed, **before},
        after={"changed": changed, **_shown_in_audit(customer, changed)},
        now=now,
    )
    return customer


def delete_customer(
    session: Session, organization_id: UUID, customer_id: UUID, *, now: datetime
) -> list[UUID]:
    """The customer is hidden and its ``external_id`` free again; invoices keep it.

    Its rules grant no more credit. Its subscriptions are to be canceled as of now, each with its
    final bill, and hidden too: those that are given have that as their pending change, which their
    workflows or the caller do. Raises NotFound, Conflict while its test clock advances. Source:
    CONTRACT 15, 53, 89.
    """
    known = get_customer(session, organization_id, customer_id)
    # The clock first: deleting a clock locks it before its customers.
    clocks.require_still(session, organization_id, known.test_clock_id)
    customer = _lock(session, organization_id, customer_id)
    present = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    ending = []
    for subscription in stored_subscriptions.lock_of_customer(
        session, organization_id, customer_id
    ):
        if has_ended(subscription.status):
            subscription.deleted_at = now
        else:
            set_change(subscription, PendingChange(action=ChangeAction.DELETE, at=present))
            ending.append(subscription.id)
        session.add(subscription)
    agenda.wake_workflows(session, organization_id, ending, now=now)
    # The last bills are still paid from what is there; nothing is added to it any more.
    rules.end_of_deleted(session, organization_id, customer_id, at=present, now=now)
    customer.deleted_at = now
    customer.updated_at = now
    session.add(customer)
    session.flush()
    record(session, organization_id, "customer.deleted", "customer", customer.id, now=now)
    return ending


def get_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    """The customer, unless it is deleted. Raises NotFound."""
    return require_customer(stored_customers.find_customer(session, organization_id, customer_id))


def _lock(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    return require_customer(stored_customers.lock_customer(session, organization_id, customer_id))


def _require_clock(session: Session, organization_id: UUID, test_clock_id: UUID | None) -> None:
    if test_clock_id is None:
        return
    # Shared, so that a clock cannot be deleted together with its customers while one is added.
    require_clock(
        stored_clocks.lock_clock(session, organization_id, test_clock_id, share=True),
        field="test_clock_id",
    )


def _values(details: CustomerDetails) -> dict[str, Any]:
    country = details.billing_address_country
    if country is not None:
        country = find_country(country, field="billing_address_country")
    known = replace(details, billing_address_country=country)
    return {name: getattr(known, name) for name in CustomerDetails.__slots__}


def _shown_in_audit(customer: Customer, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(customer, name) for name in names if name in SHOWN_IN_AUDIT}


def _external_id_guarded(external_id: str | None) -> AbstractContextManager[None]:
    return translating(
        "uq_customer_external_id",
        Conflict(
            f"Another customer has the external_id {external_id!r}.",
            code="external_id_taken",
            field="external_id",
        ),
    )
