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
    name: str
    type: FeatureType
    has_access: bool
    reason: AccessReason | None
    usage: Quantity | None
    limit: Quantity | None
    remaining: Quantity | None
    resets_at: Moment | None
    is_soft_limit: bool
    static_value: str | None
    subscription_id: UUID | None


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
