"""Whatever has a name, a number or an id that fits some words: one statement for all kinds.

Numbers, references, keys and ids are found by how they begin, by an index. Names of customers,
plans and meters fit anywhere, in any case of letters; an organization's own are read through for
that, as the list of customers does, since no index of texts stands behind row-level security.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from repositories.statement_text import compact

MOST_OF_A_KIND: Final = 6
_HIGHEST: Final = "\U0010ffff"
"""Behind every character: what begins so is before this."""
_ID: Final = re.compile(r"[0-9a-f]{8,32}")


class FoundKind(StrEnum):
    """What can be found."""

    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    PAYMENT = "payment"
    PLAN = "plan"
    METER = "meter"
    COUPON = "coupon"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that fits: what it is called, and beside what it stands."""

    kind: FoundKind
    id: UUID
    name: str
    about: str | None
    status: str | None
    customer_id: UUID | None
    invoice_id: UUID | None
    meter_id: UUID | None


def find_everything(
    session: Session, organization_id: UUID, asked: str, *, with_events: bool
) -> Sequence[Found]:
    """What fits the words, at most six of a kind: what is called exactly so first."""
    statement = _WITH_EVENTS if with_events else _WITHOUT_EVENTS
    rows = session.execute(statement, {"organization_id": organization_id} | _values(asked))
    return [
        Found(
            kind=FoundKind(row.kind),
            id=row.id,
            name=row.name,
            about=row.about,
            status=row.status,
            customer_id=row.customer_id,
            invoice_id=row.invoice_id,
            meter_id=row.meter_id,
        )
        for row in rows
    ]


def _values(asked: str) -> dict[str, Any]:
    digits = asked.lower().replace("-", "")
    is_id = _ID.fullmatch(digits) is not None
    return {
        "asked": asked,
        "lower": asked.lower(),
        "upper": asked.upper(),
        "asked_end": asked + _HIGHEST,
        "upper_end": asked.upper() + _HIGHEST,
        "id_from": UUID(hex=digits.ljust(32, "0")) if is_id else None,
        "id_to": UUID(hex=digits.ljust(32, "f")) if is_id else None,
        "most": MOST_OF_A_KIND,
    }


def _within(*columns: str) -> str:
    return " OR ".join(f"strpos(lower({column}), :lower) > 0" for column in columns)


def _rank(*columns: str) -> str:
    """0 for what is called exactly so, 1 for what begins so, 2 for the rest."""
    exact = " OR ".join(f"lower({column}) = :lower" for column in columns)
    begins = " OR ".join(f"starts_with(lower({column}), :lower)" for column in columns)
    return f"CASE WHEN {exact} THEN 0 WHEN {begins} THEN 1 ELSE 2 END"


def _kind(
    kind: FoundKind,
    source: str,
    fits: str = "true",
    *,
    name: str,
    rank: str = "0",
    state: str = "NULL::text",
    **columns: str,
) -> str:
    """What is found of a kind, whose own row is named as the kind is."""
    shown = {
        "about": "NULL::text",
        "status": state,
        "customer_id": "NULL::uuid",
        "invoice_id": "NULL::uuid",
        "meter_id": "NULL::uuid",
    } | columns
    listed = ", ".join(f"{column} AS {called}" for called, column in shown.items())
    place = [*FoundKind].index(kind)
    return f"""(
        SELECT {place} AS place, '{kind}' AS kind, {kind}.id AS id, {name} AS name, {listed},
            {rank} AS rank
        FROM {source}
        WHERE {kind}.organization_id = :organization_id AND ({fits})
        ORDER BY rank, name, {kind}.id LIMIT :most
    )"""  # noqa: S608  (put together out of constants)


def _few(kind: FoundKind, *ways: tuple[str, str]) -> str:
    """The first rows of a table by each way to find some: by an index, however many there are."""
    rows = " UNION ALL ".join(
        f"(SELECT * FROM {kind} WHERE {kind}.organization_id = :organization_id"  # noqa: S608  (put together out of constants)
        f" AND {condition} ORDER BY {order} LIMIT :most)"
        for condition, order in ways
    )
    return f"""({rows}) AS {kind} JOIN customer ON customer.organization_id = {kind}.organization_id
            AND customer.id = {kind}.customer_id"""


def _by_id(kind: FoundKind) -> tuple[str, str]:
    return f"{kind}.id BETWEEN CAST(:id_from AS uuid) AND CAST(:id_to AS uuid)", f"{kind}.id"


def _by_begin(column: str, asked: str) -> tuple[str, str]:
    # In this order what is called exactly so is the first of all that begin so.
    condition = f"{column} ~>=~ :{asked} AND {column} ~<~ :{asked}_end"
    return condition, f"{column} USING ~<~"


_CUSTOMERS: Final = _kind(
    FoundKind.CUSTOMER,
    "customer",
    f"{_within('customer.name', 'customer.email', 'customer.external_id')}"
    f" OR {_by_id(FoundKind.CUSTOMER)[0]}) AND (customer.deleted_at IS NULL",
    name="customer.name",
    rank=_rank("customer.name", "customer.external_id", "customer.email"),
    about="coalesce(customer.external_id, customer.email)",
    customer_id="customer.id",
)
_SUBSCRIPTIONS: Final = _kind(
    FoundKind.SUBSCRIPTION,
    _few(FoundKind.SUBSCRIPTION, _by_id(FoundKind.SUBSCRIPTION))
    + """ JOIN plan ON plan.organization_id = subscription.organization_id
            AND plan.id = subscription.plan_id""",
    "subscription.deleted_at IS NULL",
    name="plan.name",
    about="customer.name",
    state="subscription.status",
    customer_id="subscription.customer_id",
)
_INVOICES: Final = _kind(
    FoundKind.INVOICE,
    _few(
        FoundKind.INVOICE,
        _by_begin("invoice.invoice_number", "upper"),
        _by_id(FoundKind.INVOICE),
    ),
    name="coalesce(invoice.invoice_number, 'Draft')",
    rank=_rank("invoice.invoice_number"),
    about="customer.name",
    state="invoice.status",
    customer_id="invoice.customer_id",
    invoice_id="invoice.id",
)
_PAYMENTS: Final = _kind(
    FoundKind.PAYMENT,
    _few(FoundKind.PAYMENT, _by_begin("payment.reference", "asked"), _by_id(FoundKind.PAYMENT)),
    name="coalesce(payment.reference, payment.id::text)",
    rank=_rank("payment.reference"),
    about="customer.name",
    state="payment.status",
    customer_id="payment.customer_id",
    invoice_id="payment.invoice_id",
)
_PLANS: Final = _kind(
    FoundKind.PLAN,
    "plan",
    f"{_within('plan.name', 'plan.lookup_id')} OR {_by_id(FoundKind.PLAN)[0]})"
    " AND (plan.deleted_at IS NULL",
    name="plan.name",
    rank=_rank("plan.name", "plan.lookup_id"),
    about="plan.lookup_id",
    state="CASE WHEN plan.is_active THEN 'ACTIVE' ELSE 'INACTIVE' END",
)
_METERS: Final = _kind(
    FoundKind.METER,
    "meter",
    f"{_within('meter.name', 'meter.meter_name')} OR {_by_id(FoundKind.METER)[0]})"
    " AND (meter.deleted_at IS NULL",
    name="meter.name",
    rank=_rank("meter.name", "meter.meter_name"),
    about="meter.meter_name",
    meter_id="meter.id",
)
_COUPONS: Final = _kind(
    FoundKind.COUPON,
    "coupon",
    f"starts_with(coupon.code, :upper) OR {_by_id(FoundKind.COUPON)[0]}",
    name="coupon.code",
    rank=_rank("coupon.code"),
)
# A key stands for its event for ever; the month of the event is in it, so one partition is read.
_EVENTS: Final = f"""(
        SELECT {[*FoundKind].index(FoundKind.EVENT)} AS place, '{FoundKind.EVENT}' AS kind,
            event.id AS id, known.idempotency_key AS name, customer.name AS about,
            NULL::text AS status, event.customer_id, NULL::uuid AS invoice_id, event.meter_id,
            CASE WHEN known.idempotency_key = :asked THEN 0 ELSE 1 END AS rank
        FROM (
            SELECT * FROM usage_event_key AS one
            WHERE one.organization_id = :organization_id
                AND one.idempotency_key >= :asked AND one.idempotency_key < :asked_end
            ORDER BY one.idempotency_key LIMIT :most
        ) AS known
        JOIN usage_event AS event ON event.organization_id = known.organization_id
            AND event.timestamp = known.timestamp AND event.id = known.event_id
        JOIN customer ON customer.organization_id = event.organization_id
            AND customer.id = event.customer_id
    )"""  # noqa: S608  (put together out of constants)


def _all(*kinds: str) -> TextClause:
    union = " UNION ALL ".join(kinds)
    return text(
        compact(f"SELECT * FROM ({union}) AS found ORDER BY found.rank, found.place, found.name")  # noqa: S608  (put together out of constants)
    )


_BILLING: Final = (
    *(_CUSTOMERS, _SUBSCRIPTIONS, _INVOICES, _PAYMENTS),
    *(_PLANS, _METERS, _COUPONS),
)
_WITHOUT_EVENTS: Final = _all(*_BILLING)
_WITH_EVENTS: Final = _all(*_BILLING, _EVENTS)
