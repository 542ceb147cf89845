"""Entitlements on the wire (CONTRACT section 6)."""

from __future__ import annotations

from uuid import UUID

from api.schemas.common import Moment, Quantity, View
from billing.entitlements import AccessReason
from billing.rating.terms import FeatureType
from services.entitlements.access import CustomerEntitlement


class EntitlementView(View):
    """Whether a customer may use a feature now. ``reason`` says why not.

    ``usage`` is that of the present reset window; ``limit`` and ``remaining`` are null if there is
    no limit.
    """

    feature_id: UUID
    lookup_key: str
    """The feature's name for programs."""
    name: str
    """The feature's name for people."""
    type: FeatureType
    """The kind of the feature."""
    has_access: bool
    """Whether the customer may use the feature now."""
    reason: AccessReason | None
    """Why not; null where they may."""
    usage: Quantity | None
    """What was used in the present reset window; null for a feature that is not metered."""
    limit: Quantity | None
    """How much may be used in a reset window; null where there is no limit."""
    remaining: Quantity | None
    """How much of the limit is left, never below 0; null where there is no limit."""
    resets_at: Moment | None
    """When the next reset window begins; null where nothing is reset."""
    is_soft_limit: bool
    """Whether the customer keeps access beyond the limit."""
    static_value: str | None
    """The value that the plan gives a feature of type `custom`; else null."""
    subscription_id: UUID | None
    """The subscription that grants it; null where none does."""


def view_entitlement(found: CustomerEntitlement) -> EntitlementView:
    """The entitlement as the API shows it."""
    answer = found.entitlement
    return EntitlementView.model_construct(
        feature_id=answer.feature_id,
        lookup_key=answer.lookup_key,
        name=answer.name,
        type=answer.type,
        has_access=answer.has_access,
        reason=answer.reason,
        usage=answer.usage,
        limit=answer.limit,
        remaining=answer.remaining,
        resets_at=answer.resets_at,
        is_soft_limit=answer.is_soft_limit,
        static_value=answer.static_value,
        subscription_id=found.subscription_id,
    )
