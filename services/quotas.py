"""Room for one more thing of a kind, asked for before it is made."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.quotas import Quota, Quotas
from repositories.accounts.limits import find_limit
from repositories.operations.quotas import count_up_to

QUOTAS: Final = "quotas"
"""Where a session carries those of the installation; without any the defaults hold."""


def require_room(session: Session, organization_id: UUID, quota: Quota) -> None:
    """Return if the organization may have one more, by its own limit or by that of everybody.

    Raises Conflict ``quota_reached``.

    Nothing is locked: requests that come at once may pass it by as many as work at once.
    """
    quotas: Quotas = session.info.get(QUOTAS) or Quotas()
    own = find_limit(session, organization_id, quota)
    if own is not None:
        quotas = Quotas(most={**quotas.most, quota: own})
    present = count_up_to(session, organization_id, quota, most=quotas.most[quota])
    quotas.require_room(quota, present)
