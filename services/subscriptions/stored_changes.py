"""What a subscription was asked for and does later: kept in its row, done by its workflow."""

from __future__ import annotations

from sqlmodel import Session

from billing.invoicing.receipts import from_document, to_document
from billing.pending_changes import PendingChange, merge_changes
from models.subscriptions.subscriptions import Subscription


def change_of(subscription: Subscription) -> PendingChange | None:
    """What the subscription was asked for and has not done yet."""
    if subscription.pending_change is None:
        return None
    return from_document(PendingChange, subscription.pending_change)


def store_change(session: Session, subscription: Subscription, wanted: PendingChange) -> bool:
    """The change waits in the subscription's row; whether that is new.

    Idempotent: what waits already is kept once. Raises Conflict if something else waits.
    """
    if not set_change(subscription, wanted):
        return False
    session.add(subscription)
    session.flush()
    return True


def set_change(subscription: Subscription, wanted: PendingChange) -> bool:
    """As :func:`store_change`, for a row that the caller stores."""
    merged = merge_changes(change_of(subscription), wanted)
    document = None if merged is None else to_document(merged)
    assert document is None or isinstance(document, dict)
    if document == subscription.pending_change:
        return False
    subscription.pending_change = document
    return True
