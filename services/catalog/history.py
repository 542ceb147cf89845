"""Who changed which price of a plan, from what to what, and which customers it met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing.receipts import digest
from repositories.catalog import history as stored_history
from repositories.catalog import plans as stored_plans
from repositories.catalog.history import MadeVersion, MetInvoice, MetSubscription
from services.catalog.term_changes import TermChange, list_term_changes
from services.catalog.versions import parse_terms
from services.required import require_plan

FIRST: Final = UUID(int=0)
"""Before every subscription."""

NEWEST: Final = 2**31 - 1
"""Above every version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange:
    """One version: who made it, and what it changed.

    ``is_as_published`` says whether the terms are those that the log is bound to; None where the
    version was made before the log said so.
    """

    made: MadeVersion
    changes: tuple[TermChange, ...]
    is_as_published: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Subscriptions that a version met, with the invoices it was used for, by subscription."""

    subscriptions: Sequence[MetSubscription]
    invoices: Mapping[UUID, Sequence[MetInvoice]]


def list_plan_changes(
    session: Session, organization_id: UUID, plan_id: UUID, *, before: int = NEWEST, limit: int
) -> list[PlanChange]:
    """What was changed, newest first, below a version. Raises NotFound.

    A deleted plan's history stays.
    """
    require_plan(
        stored_plans.find_plan(session, organization_id, plan_id),
        may_be_deleted=True,
    )
    # One more than is shown: what the oldest one is compared with.
    made = stored_history.list_versions(
        session, organization_id, plan_id, before=before, limit=limit + 1
    )
    found = [_change(newer, older) for newer, older in pairwise([*made, None]) if newer is not None]
    return found[:limit]


def list_met(
    session: Session, organization_id: UUID, plan_id: UUID, version: int, *, after: UUID, limit: int
) -> Met:
    """Subscriptions of which the version bills a period, or has computed an invoice.

    Exactly those: an edit that was followed by another before any period opened met nobody. Raises
    NotFound.
    """
    require_plan(
        stored_plans.find_plan(session, organization_id, plan_id),
        may_be_deleted=True,
    )
    if stored_plans.find_version_terms(session, organization_id, plan_id, version) is None:
        raise NotFound(f"The plan has no version {version}.", code="plan_version_not_found")
    met = stored_history.list_met(
        session, organization_id, plan_id, version, after=after, limit=limit
    )
    ids = [one.subscription_id for one in met]
    invoices: dict[UUID, list[MetInvoice]] = {one: [] for one in ids}
    for invoice in stored_history.list_invoices(session, organization_id, plan_id, version, ids):
        invoices[invoice.subscription_id].append(invoice)
    return Met(subscriptions=met, invoices=invoices)


def _change(made: MadeVersion, former: MadeVersion | None) -> PlanChange:
    terms = parse_terms(made.terms)
    before = None if former is None else parse_terms(former.terms)
    published = made.terms_digest
    return PlanChange(
        made=made,
        changes=list_term_changes(before, terms),
        is_as_published=None if published is None else digest(terms) == published,
    )
