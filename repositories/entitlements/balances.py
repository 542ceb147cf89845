"""What a customer has in a unit, by one statement, where no bill draws on it before it is final."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from billing.units import Taxation, Unit
from repositories.asynchronous.tenant_reads import read_rows
from repositories.credits.balances import LotAt
from repositories.subscriptions.unbilled_periods import has_unbilled_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The customer's present, and the grants that are alive then and have something left."""

    unit: Unit
    at: datetime
    lots: tuple[LotAt, ...]


# Which grants count, and what of them, is said by ``services.credits.balances.list_lots`` as well,
# which also knows what is due by a rule and not stored; where something is, nothing is found here.
# tests/services/credits/test_by_model.py compares them.
_READ: Final = """
    SELECT unit.code, unit.scale, unit.tax, present.at, lot.id, lot.rest, lot.held, lot.expires_at
    FROM customer
    LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
        AND clock.id = customer.test_clock_id
    CROSS JOIN LATERAL (
        SELECT coalesce(clock.target_time, clock.frozen_time, %(now)s) AS at
    ) AS present
    JOIN credit_unit AS unit ON unit.organization_id = customer.organization_id
        AND unit.code = coalesce(
            %(unit)s, (SELECT currency FROM organization WHERE organization.id = tenant.id)
        )
    -- Of each grant that has begun and is not over, what its newest posting leaves.
    LEFT JOIN LATERAL (
        SELECT one.id, one.sequence, newest.rest_after + coalesce(aside.past, 0) AS rest,
            coalesce(aside.live, 0) AS held, one.expires_at
        FROM credit_grant AS one
        CROSS JOIN LATERAL (
            SELECT posting.rest_after FROM credit_posting AS posting
            WHERE posting.organization_id = tenant.id AND posting.grant_id = one.id
            ORDER BY posting.sequence DESC LIMIT 1
        ) AS newest
        JOIN credit_posting AS begun ON begun.organization_id = tenant.id
            AND begun.grant_id = one.id AND begun.sequence = 1 AND begun.at <= present.at
        LEFT JOIN (
            -- What a hold has whose time is over is free again, whatever was posted of that.
            SELECT posting.grant_id,
                -sum(posting.amount) FILTER (WHERE hold.expires_at > present.at) AS live,
                -sum(posting.amount) FILTER (WHERE hold.expires_at <= present.at) AS past
            FROM credit_hold AS hold
            JOIN credit_posting AS posting ON posting.organization_id = hold.organization_id
                AND posting.hold_id = hold.id AND posting.kind = 'held'
            WHERE hold.organization_id = tenant.id AND hold.customer_id = %(customer)s
                AND hold.unit = unit.code AND hold.ended_at IS NULL
            GROUP BY posting.grant_id
        ) AS aside ON aside.grant_id = one.id
        WHERE one.organization_id = tenant.id AND one.customer_id = %(customer)s
            AND one.unit = unit.code
            AND (one.expires_at IS NULL OR one.expires_at > present.at)
    ) AS lot ON lot.rest <> 0 OR lot.held <> 0
    WHERE customer.organization_id = tenant.id AND customer.id = %(customer)s
        AND customer.deleted_at IS NULL
        -- What a rule has granted and nobody has stored is not among them, nor what usage took.
        AND NOT EXISTS (
            SELECT FROM credit_grant_rule AS rule
            WHERE rule.organization_id = tenant.id AND rule.customer_id = %(customer)s
                AND rule.unit = unit.code AND rule.kind = 'free' AND rule.next_at <= present.at
        )
        AND NOT {unbilled}
    ORDER BY lot.sequence
"""
READ: Final = _READ.format(
    unbilled=has_unbilled_in(organization="tenant.id", customer="customer.id", unit="unit.code")
)


async def read_holding(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    unit: str | None,
    *,
    now: datetime,
) -> Holding | None:
    """What the customer has in the unit of that code, or in the organization's currency.

    None where this statement cannot tell: there is no such customer or no credit in the unit yet,
    unbilled periods draw on it, or a rule has granted what is not stored.
    """
    values = {"customer": customer_id, "unit": unit, "now": now}
    rows = await read_rows(connection, organization_id, READ, values, tuple_row)
    if not rows:
        return None
    code, scale, tax, at = rows[0][:4]
    return Holding(
        unit=Unit(code=code, scale=scale, taxation=Taxation(tax)),
        at=at,
        lots=tuple(LotAt(*row[4:]) for row in rows if row[4] is not None),
    )
