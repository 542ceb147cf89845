"""Edits that say what they were made from: done only if nothing else came between (If-Match).

The resource is shown as its own GET shows it, under its row's lock and in the transaction of the
edit: of two edits made from the same representation the later one finds another and fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import Request
from sqlmodel import Session

from api.context import state_of
from api.transport import number_texts
from api.transport.conditional.resources import Resource, Within, find_resource
from api.transport.conditional.tags import IF_MATCH, Conditions, tag_of
from api.transport.errors import CHANGED
from api.transport.urls.paths import TEMPLATE
from billing.errors import InvalidInput, NotFound, PreconditionFailed
from repositories import customers
from repositories.accounts import invitations, organizations, users
from repositories.catalog import features, meters, plans, tax_rates
from repositories.credits import grants
from repositories.discounts import coupons
from repositories.notifications import deliveries, endpoints
from repositories.payments import connections, payments
from repositories.subscriptions import add_ons, clocks, subscriptions
from services.documents import locks

EDIT: Final = "fluxrate.edit"
"""Where the scope has what is known of an edit's tags."""

Lock = Callable[[Session, UUID, UUID], object]

LOCKS: Final[Mapping[str, Lock]] = {
    "": lambda session, organization_id, _: organizations.lock_organization(
        session, organization_id
    ),
    "plan_id": plans.lock_plan,
    "customer_id": customers.lock_customer,
    "feature_id": features.lock_feature,
    "meter_id": meters.lock_meter,
    "subscription_id": subscriptions.lock_subscription,
    "add_on_id": add_ons.lock_add_on,
    "invoice_id": locks.lock_invoice_if_any,
    "payment_id": payments.lock_payment,
    "connection_id": connections.lock_connection,
    "endpoint_id": endpoints.lock_endpoint,
    "delivery_id": deliveries.lock_delivery,
    "tax_rate_id": tax_rates.lock_tax_rate,
    "test_clock_id": clocks.lock_clock,
    "member_id": users.lock_user,
    "invitation_id": invitations.lock_invitation,
    "grant_id": grants.lock_wallet_of,
    "coupon_id": coupons.lock_coupon,
}
"""How the row of each resource is locked by those who edit it."""


@dataclass(slots=True, kw_only=True)
class Edit:
    """What a request that writes asked of tags, and what it has left behind, as it is shown."""

    asked: Conditions | None
    answers_with_tag: bool
    left: bytes | None = None
    is_gone: bool = False

    @property
    def is_watched(self) -> bool:
        """Whether somebody wants to know a tag."""
        return self.asked is not None or self.answers_with_tag


def require_unchanged(request: Request, within: Within) -> None:
    """Return if the resource is what the request was made from, and keep it so.

    A request of several transactions may find what its own have left. Raises PreconditionFailed;
    InvalidInput where nothing can be read that a tag could be of; NotFound.
    """
    edit: Edit | None = request.scope.get(EDIT)
    if edit is None or edit.asked is None or edit.is_gone:
        return
    resource = _find(request)
    if resource is None:
        raise InvalidInput(
            "Nothing can be read here that a tag could be of.",
            code="precondition_unsupported",
            field=IF_MATCH,
        )
    identifier = resource.find_id(request)
    if resource.parameter and identifier is None:
        return
    organization_id = within.principal.organization_id
    LOCKS[resource.parameter](within.session, organization_id, identifier or organization_id)
    shown = resource.show(request, within)
    if edit.asked.fail_for(_tags_of(shown)) if edit.left is None else shown != edit.left:
        code, detail = CHANGED
        raise PreconditionFailed(detail, code=code, field=IF_MATCH)


def note_left(request: Request, within: Within) -> None:
    """What the transaction leaves is known, for the answer's tag and the request's next one."""
    edit: Edit | None = request.scope.get(EDIT)
    resource = _find(request) if edit is not None and edit.is_watched else None
    if edit is None or resource is None or edit.is_gone:
        return
    try:
        edit.left = resource.show(request, within)
    except NotFound:
        edit.left, edit.is_gone = None, True


def _find(request: Request) -> Resource | None:
    return find_resource(state_of(request.app).resources, request.scope[TEMPLATE])


def _tags_of(shown: bytes) -> tuple[bytes, bytes]:
    """Its tags for those who read numbers as numbers, and as texts."""
    return tag_of(shown), tag_of(number_texts.with_number_texts(shown))
