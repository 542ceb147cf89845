"""What customers have in a unit, by one statement, where no bill draws on it before it is final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from billing.units import Taxation, Unit
from repositories.asynchronous.tenant_reads import read_rows
from repositories.subscriptions.unbilled_periods import has_unbilled_in


class HoldingAsked(NamedTuple):
    """Whose credit, in the unit of which code, or in the organization's currency; and when."""

    customer_id: UUID
    unit: str | None
    now: datetime


class RestAt(NamedTuple):
    """A grant that is alive, with what is left of it that nobody holds."""

    grant_id: UUID
    rest: Decimal
    expires_at: datetime | None


class HeldLots(NamedTuple):
    """Grants that have something left, and what holds have of all grants that are alive."""

    lots: tuple[RestAt, ...]
    held: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A unit, the customer's present, and what there is then.

    ``document`` is that as PostgreSQL writes it, digit for digit, for ``HELD_LOTS`` to read.
    """

    unit: Unit
    at: datetime
    document: str


# Which grants count, and what of them, is said by ``services.credits.balances.list_lots`` as well,
# which also knows what is due by a rule and not stored; where something is, nothing is found here.
# tests/services/credits/test_by_model.py compares them.
_READ: Final = """
    SELECT asked.place, unit.code, unit.scale, unit.tax, present.at, lots.document
    FROM unnest(%(customers)s::uuid[], %(units)s::text[], %(times)s::timestamptz[])
        WITH ORDINALITY AS asked (customer_id, unit, now, place)
    JOIN customer ON customer.organization_id = tenant.id AND customer.id = asked.customer_id
        AND customer.deleted_at IS NULL
    LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
        AND clock.id = customer.test_clock_id
    CROSS JOIN LATERAL (
        SELECT coalesce(clock.target_time, clock.frozen_time, asked.now) AS at
    ) AS present
    JOIN credit_unit AS unit ON unit.organization_id = customer.organization_id
        AND unit.code = coalesce(
            asked.unit, (SELECT currency FROM organization WHERE organization.id = tenant.id)
        )
    CROSS JOIN LATERAL (
        -- What a hold has whose time is over is free again, whatever was posted of that. Added up
        -- once, and looked up hold by hold (OFFSET keeps it so): a plan that was made while there
        -- were few holds would do it for each grant, or read all that were ever posted for each.
        WITH past AS MATERIALIZED (
            SELECT posting.grant_id, -sum(posting.amount) AS amount
            FROM credit_hold AS hold
            CROSS JOIN LATERAL (
                SELECT posting.grant_id, posting.amount FROM credit_posting AS posting
                WHERE posting.organization_id = tenant.id AND posting.hold_id = hold.id
                    AND posting.kind = 'held'
                OFFSET 0
            ) AS posting
            WHERE hold.organization_id = tenant.id AND hold.customer_id = asked.customer_id
                AND hold.unit = unit.code AND hold.ended_at IS NULL
                AND hold.expires_at <= present.at
            GROUP BY posting.grant_id
        )
        -- In the order of the fields of HeldLots and of RestAt. No hold outlives its grants, so all
        -- that others hold is of lots that are alive.
        SELECT json_build_array(
            coalesce(json_agg(
                json_build_array(lot.id, lot.rest, lot.expires_at) ORDER BY lot.sequence
            ) FILTER (WHERE lot.rest <> 0), '[]'),
            (
                SELECT coalesce(sum(hold.amount), 0) FROM credit_hold AS hold
                WHERE hold.organization_id = tenant.id AND hold.customer_id = asked.customer_id
                    AND hold.unit = unit.code AND hold.ended_at IS NULL
                    AND hold.expires_at > present.at
            )
        )::text AS document
        FROM (
            -- Of each grant that has begun and is not over, what its newest posting leaves.
            SELECT one.id, one.sequence, newest.rest_after + coalesce(past.amount, 0) AS rest,
                one.expires_at
            FROM credit_grant AS one
            CROSS JOIN LATERAL (
                SELECT posting.rest_after FROM credit_posting AS posting
                WHERE posting.organization_id = tenant.id AND posting.grant_id = one.id
                ORDER BY posting.sequence DESC LIMIT 1
            ) AS newest
            LEFT JOIN past ON past.grant_id = one.id
            WHERE one.organization_id = tenant.id AND one.customer_id = asked.customer_id
                AND one.unit = unit.code
                AND (one.expires_at IS NULL OR one.expires_at > present.at)
                -- What is sold may begin with its payment; all else begins when it says so.
                AND CASE one.spendable WHEN 'on_payment' THEN (
                    SELECT posting.at FROM credit_posting AS posting
                    WHERE posting.organization_id = tenant.id AND posting.grant_id = one.id
                        AND posting.sequence = 1
                ) ELSE one.effective_at END <= present.at
        ) AS lot
    ) AS lots
    -- What a rule has granted and nobody has stored is not among them, nor what usage took.
    WHERE NOT EXISTS (
        SELECT FROM credit_grant_rule AS rule
        WHERE rule.organization_id = tenant.id AND rule.customer_id = asked.customer_id
            AND rule.unit = unit.code AND rule.kind = 'free' AND rule.next_at <= present.at
    )
        AND NOT {unbilled}
"""
READ: Final = _READ.format(
    unbilled=has_unbilled_in(organization="tenant.id", customer="customer.id", unit="unit.code")
)


HELD_LOTS: Final = msgspec.json.Decoder(HeldLots)
"""Reads a holding's document."""


async def read_holdings(
    connection: AsyncConnection, organization_id: UUID, asked: Sequence[HoldingAsked]
) -> list[Holding | None]:
    """What each customer has in the unit that is asked for, in the order of the questions.

    None where this statement cannot tell: there is no such customer or no credit in the unit yet,
    unbilled periods draw on it, or a rule has granted what is not stored.
    """
    values = {
        "customers": [one.customer_id for one in asked],
        "units": [one.unit for one in asked],
        "times": [one.now for one in asked],
    }
    rows = await read_rows(connection, organization_id, READ, values, tuple_row)
    found = {
        place: Holding(
            unit=Unit(code=code, scale=scale, taxation=Taxation(tax)),
            at=at,
            document=document,
        )
        for place, code, scale, tax, at, document in rows
    }
    return [found.get(place) for place in range(1, len(asked) + 1)]
