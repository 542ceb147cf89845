"""How many things of a kind an organization has, as far as that matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from billing.quotas import Quota
from models.accounts.api_keys import ApiKey
from models.accounts.invitations import Invitation
from models.base import Tenant
from models.catalog.features import Feature
from models.catalog.meters import Meter
from models.catalog.plans import Plan
from models.catalog.tax_rates import TaxRate
from models.subscriptions.clocks import TestClock

COUNTED: Final[Mapping[Quota, tuple[type[Tenant], tuple[ColumnElement[bool], ...]]]] = {
    Quota.FEATURES: (Feature, (col(Feature.deleted_at).is_(None),)),
    Quota.METERS: (Meter, (col(Meter.deleted_at).is_(None),)),
    Quota.PLANS: (Plan, (col(Plan.deleted_at).is_(None),)),
    Quota.TAX_RATES: (TaxRate, (col(TaxRate.deleted_at).is_(None),)),
    Quota.API_KEYS: (ApiKey, (col(ApiKey.revoked_at).is_(None),)),
    Quota.INVITATIONS: (
        Invitation,
        (col(Invitation.accepted_at).is_(None), col(Invitation.revoked_at).is_(None)),
    ),
    Quota.TEST_CLOCKS: (TestClock, (col(TestClock.deleted_at).is_(None),)),
}
"""Where each kind is, and what is true of those that are there."""


def count_up_to(session: Session, organization_id: UUID, quota: Quota, *, most: int) -> int:
    """How many there are; ``most`` if there are more, which takes no longer than to count those."""
    kind, is_there = COUNTED[quota]
    some = (
        select(kind.organization_id)
        .where(kind.organization_id == organization_id, *is_there)
        .limit(most)
        .subquery()
    )
    return session.exec(select(func.count()).select_from(some)).one()
