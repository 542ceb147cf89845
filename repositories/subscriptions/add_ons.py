"""Add-ons of subscriptions: attached, found, and the quantities that they have had."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session, col, select

from models.subscriptions.add_ons import AddOnQuantity, SubscriptionAddOn
from repositories.asynchronous.document_reads import DocumentRead, PageRead
from repositories.asynchronous.prefetched import prefetchable
from repositories.row_keys import SubscriptionKey, among
from repositories.subscriptions import subscriptions as stored_subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedAddOn:
    """An add-on with every quantity that it has had, in their order; there is at least one."""

    row: SubscriptionAddOn
    quantities: list[AddOnQuantity] = field(default_factory=list)


ADD_ON_PAGES: Final = PageRead(
    read=DocumentRead(
        """
        SELECT asked.place, json_build_object('row', attached, 'quantities', (
            SELECT json_agg(held ORDER BY held.effective_at) FROM add_on_quantity AS held
            WHERE held.organization_id = tenant.id AND held.add_on_id = attached.id
        )) AS document
        FROM asked JOIN subscription_add_on AS attached
            ON attached.organization_id = tenant.id AND attached.id = asked.id""",
        AttachedAddOn,
    ),
    table="subscription_add_on",
    filters={"subscription_id": "subscription_id = %(subscription_id)s"},
)
"""What was ever attached to a subscription, oldest first."""


def insert_add_on(session: Session, row: SubscriptionAddOn) -> None:
    """Store an add-on, as yet without a quantity."""
    session.add(row)
    session.flush()


def save_quantity(
    session: Session,
    row: SubscriptionAddOn,
    quantity: Decimal,
    *,
    effective_at: datetime,
    now: datetime,
) -> None:
    """The add-on has a quantity from an instant on; what was to begin at it has not.

    The caller holds the subscription's lock.
    """
    key = (row.organization_id, row.id, effective_at)
    held = session.get(AddOnQuantity, key) or AddOnQuantity(
        organization_id=row.organization_id,
        add_on_id=row.id,
        effective_at=effective_at,
        quantity=quantity,
        created_at=now,
    )
    held.quantity = quantity
    session.add(held)
    session.flush()


def find_add_on(
    session: Session, organization_id: UUID, add_on_id: UUID
) -> SubscriptionAddOn | None:
    """The add-on, ended or not, or None."""
    return session.get(SubscriptionAddOn, (organization_id, add_on_id))


def lock_add_on(
    session: Session, organization_id: UUID, add_on_id: UUID
) -> SubscriptionAddOn | None:
    """The add-on, or None, with its subscription locked: that orders what happens to both."""
    row = find_add_on(session, organization_id, add_on_id)
    if row is not None:
        stored_subscriptions.lock_subscription(session, organization_id, row.subscription_id)
    return row


def list_quantities(
    session: Session, organization_id: UUID, add_on_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[AddOnQuantity]]:
    """Every quantity of each of these add-ons, in their order."""
    found: dict[UUID, list[AddOnQuantity]] = {one: [] for one in add_on_ids}
    for row in session.exec(
        select(AddOnQuantity)
        .where(
            AddOnQuantity.organization_id == organization_id,
            col(AddOnQuantity.add_on_id).in_(add_on_ids),
        )
        .order_by(col(AddOnQuantity.effective_at))
    ):
        found[row.add_on_id].append(row)
    return found


@prefetchable
def list_of_subscriptions(
    session: Session, keys: Collection[SubscriptionKey]
) -> dict[SubscriptionKey, list[AttachedAddOn]]:
    """What was ever attached to each subscription, oldest first, by one statement."""
    found: dict[SubscriptionKey, dict[UUID, AttachedAddOn]] = {one: {} for one in keys}
    of_subscription = (
        col(SubscriptionAddOn.organization_id),
        col(SubscriptionAddOn.subscription_id),
    )
    for row, quantity in session.exec(
        select(SubscriptionAddOn, AddOnQuantity)
        .join(
            AddOnQuantity,
            (col(AddOnQuantity.organization_id) == SubscriptionAddOn.organization_id)
            & (col(AddOnQuantity.add_on_id) == SubscriptionAddOn.id),
        )
        .where(among(keys, *of_subscription))
        .order_by(
            col(SubscriptionAddOn.created_at),
            col(SubscriptionAddOn.id),
            col(AddOnQuantity.effective_at),
        )
    ):
        of_one = found[row.organization_id, row.subscription_id]
        of_one.setdefault(row.id, AttachedAddOn(row=row)).quantities.append(quantity)
    return {key: list(of_one.values()) for key, of_one in found.items()}
