"""Grants with what is left of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from models.credits.grants import CreditGrant
from models.credits.postings import CreditPosting
from repositories.credits.wallets import WalletKey, lock_wallets, wallets_at
from repositories.pages import read_page
from repositories.row_keys import among


class GrantFacts(NamedTuple):
    """A grant, what its newest posting leaves, and when it began; no instant: not granted yet."""

    grant: CreditGrant
    rest: Decimal
    sequence: int
    begins_at: datetime | None


class EndFacts(NamedTuple):
    """When a grant was over by a posting, and what was left of it then."""

    at: datetime
    unspent: Decimal


ENDS = text(
    """
    SELECT posting.grant_id, max(posting.at), -sum(posting.amount)
    FROM unnest(CAST(:grants AS uuid[])) AS asked (id)
    JOIN credit_posting AS posting ON posting.organization_id = :organization_id
        AND posting.key IN ('expire/' || asked.id, 'roll/' || asked.id)
    GROUP BY posting.grant_id
    """
)

# Grants that are over by their customer's clock and have something left, and what their end is to
# wait for is done: late usage within the grace of a bill may still draw from them (CREDITS 19).
DUE = """
    SELECT one.organization_id, one.id, one.customer_id, one.unit
    FROM {source}
    -- The customer's present is that of their clock.
    JOIN customer ON customer.organization_id = one.organization_id
        AND customer.id = one.customer_id
    LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
        AND clock.id = customer.test_clock_id
    JOIN LATERAL (
        SELECT rest_after FROM credit_posting AS posting
        WHERE posting.organization_id = one.organization_id AND posting.grant_id = one.id
        ORDER BY posting.sequence DESC LIMIT 1
    ) AS newest ON true
    WHERE {condition}
        -- What is held of it is free again by then: no hold outlives its grants.
        AND (newest.rest_after > 0 OR EXISTS (
            SELECT FROM credit_hold AS hold
            JOIN credit_posting AS held ON held.organization_id = hold.organization_id
                AND held.hold_id = hold.id AND held.grant_id = one.id
            WHERE hold.organization_id = one.organization_id
                AND hold.customer_id = one.customer_id AND hold.unit = one.unit
                AND hold.ended_at IS NULL
        ))
        -- What was used before the end may still be billed.
        AND NOT EXISTS (
            SELECT FROM subscription
            JOIN subscription_period AS period
                ON period.organization_id = subscription.organization_id
                AND period.subscription_id = subscription.id
            WHERE subscription.organization_id = one.organization_id
                AND subscription.customer_id = one.customer_id
                AND period.starts_at < one.expires_at
                AND period.status IN ('open', 'closed', 'drafted', 'parked')
        )
    ORDER BY one.organization_id, one.customer_id, one.unit, one.expires_at, one.id LIMIT :limit
    """
DUE_NOW = text(
    DUE.format(
        source="credit_grant AS one",
        condition="""one.organization_id = :organization_id
        AND one.expires_at <= coalesce(clock.frozen_time, :now)""",
    )
)
DUE_IN_WALLETS = text(
    DUE.format(
        source="""unnest(
        CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:units AS text[]),
        CAST(:instants AS timestamptz[])
    ) AS asked (organization_id, customer_id, unit, at)
    JOIN credit_grant AS one ON one.organization_id = asked.organization_id
        AND one.customer_id = asked.customer_id AND one.unit = asked.unit""",
        condition="one.expires_at <= asked.at",
    )
)


def insert_grant(session: Session, grant: CreditGrant) -> CreditGrant:
    """Store a grant as the newest of its wallet, which is locked."""
    insert_grants(session, [grant])
    return grant


def insert_grants(session: Session, grants: Sequence[CreditGrant]) -> None:
    """Store grants of one wallet, which is locked, as its newest, in this order."""
    if not grants:
        return
    newest = session.exec(
        select(func.max(CreditGrant.sequence)).where(
            CreditGrant.organization_id == grants[0].organization_id,
            CreditGrant.customer_id == grants[0].customer_id,
            CreditGrant.unit == grants[0].unit,
        )
    ).one()
    for sequence, grant in enumerate(grants, start=(newest or 0) + 1):
        grant.sequence = sequence
    session.add_all(grants)
    session.flush()


def find_grant(session: Session, organization_id: UUID, grant_id: UUID) -> CreditGrant | None:
    """The grant, or None."""
    return session.get(CreditGrant, (organization_id, grant_id))


def lock_wallet_of(session: Session, organization_id: UUID, grant_id: UUID) -> CreditGrant | None:
    """The grant, or None; nobody else posts to its wallet until the transaction ends."""
    grant = find_grant(session, organization_id, grant_id)
    if grant is not None:
        lock_wallets(session, [(organization_id, grant.customer_id, grant.unit)])
    return grant


def find_of_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> CreditGrant | None:
    """The grant that an invoice sells, or None."""
    return session.exec(
        select(CreditGrant).where(
            CreditGrant.organization_id == organization_id, CreditGrant.invoice_id == invoice_id
        )
    ).one_or_none()


def list_grants(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *,
    unit: str | None,
    offset: int,
    limit: int,
) -> tuple[Sequence[CreditGrant], int]:
    """A page of a customer's grants, oldest first, and how many there are."""
    matching = select(CreditGrant).where(
        CreditGrant.organization_id == organization_id, CreditGrant.customer_id == customer_id
    )
    if unit is not None:
        matching = matching.where(CreditGrant.unit == unit)
    return read_page(session, matching, offset=offset, limit=limit)


def list_facts(
    session: Session, organization_id: UUID, grant_ids: Collection[UUID]
) -> list[GrantFacts]:
    """These grants with what is left of each; of one that is not granted yet, nothing."""
    return _read_facts(
        session,
        col(CreditGrant.organization_id) == organization_id,
        col(CreditGrant.id).in_(grant_ids),
    )


def list_facts_by_key(session: Session, grants: Collection[tuple[UUID, UUID]]) -> list[GrantFacts]:
    """As :func:`list_facts`, of grants by their organizations and ids."""
    columns = (col(CreditGrant.organization_id), col(CreditGrant.id))
    return _read_facts(session, among(grants, *columns))


def list_lots(session: Session, key: WalletKey, *, at: datetime) -> list[GrantFacts]:
    """What of the wallet is granted and not over at that instant, with what is left of each."""
    organization_id, customer_id, unit = key
    return _read_facts(
        session,
        col(CreditGrant.organization_id) == organization_id,
        col(CreditGrant.customer_id) == customer_id,
        col(CreditGrant.unit) == unit,
        col(CreditGrant.expires_at).is_(None) | (col(CreditGrant.expires_at) > at),
    )


def _read_facts(session: Session, *conditions: ColumnElement[bool]) -> list[GrantFacts]:
    of_grant = (
        col(CreditPosting.organization_id) == CreditGrant.organization_id,
        col(CreditPosting.grant_id) == CreditGrant.id,
    )
    newest = (
        select_columns(col(CreditPosting.rest_after), col(CreditPosting.sequence))
        .where(*of_grant)
        .order_by(col(CreditPosting.sequence).desc())
        .limit(1)
        .correlate(CreditGrant)
        .lateral("newest")
    )
    first = (
        select_columns(col(CreditPosting.at))
        .where(*of_grant, col(CreditPosting.sequence) == 1)
        .correlate(CreditGrant)
        .lateral("first")
    )
    found = session.execute(
        select_columns(CreditGrant, newest.c.rest_after, newest.c.sequence, first.c.at)
        .select_from(CreditGrant)
        .outerjoin(newest, text("true"))
        .outerjoin(first, text("true"))
        .where(*conditions)
        .order_by(col(CreditGrant.sequence))
    )
    return [
        GrantFacts(grant=grant, rest=rest or Decimal(0), sequence=sequence or 0, begins_at=at)
        for grant, rest, sequence, at in found
    ]


def find_ends(
    session: Session, organization_id: UUID, grant_ids: Collection[UUID]
) -> dict[UUID, EndFacts]:
    """Those of these grants that are over by a posting, which their time alone makes nobody."""
    keys = {"organization_id": organization_id, "grants": list(grant_ids)}
    return {
        grant_id: EndFacts(at=at, unspent=unspent)
        for grant_id, at, unspent in session.execute(ENDS, keys)
    }


def list_due(
    session: Session, organization_id: UUID, *, now: datetime, limit: int
) -> list[tuple[UUID, WalletKey]]:
    """Grants whose end is to be posted, by wallet and the instant of their end."""
    session.flush()
    keys = {"organization_id": organization_id, "now": now, "limit": limit}
    return [
        (grant_id, (organization_id, customer_id, unit))
        for _, grant_id, customer_id, unit in session.execute(DUE_NOW, keys)
    ]


def list_due_in(
    session: Session, presents: Mapping[WalletKey, datetime], *, limit: int
) -> list[tuple[UUID, UUID]]:
    """As :func:`list_due`, of these wallets by their presents: organizations and grants."""
    session.flush()
    found = session.execute(DUE_IN_WALLETS, wallets_at(presents) | {"limit": limit})
    return [(row[0], row[1]) for row in found]
