"""Rules that top credit up, their tries, and the messages that make somebody look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from billing.credits.top_ups import TopUpStatus
from models.credits.top_ups import CreditTopUp, CreditTopUpRule
from repositories.credits.wallets import WalletKey
from repositories.pages import read_page

MESSAGE: Final = "top_up"
"""The kind of outbox message that asks for a look at a rule; a trigger queues them too."""

WAKE = text(
    """
    -- One message for each rule: whoever reads it looks at everything that happened by then.
    INSERT INTO outbox_message
        (organization_id, id, kind, key, payload, created_at, available_at, attempts)
    SELECT rule.organization_id, gen_random_uuid(), 'top_up', rule.id || CAST(:suffix AS text),
        jsonb_build_object('rule_id', rule.id), :now, coalesce(:due_at, :now), 0
    FROM credit_top_up_rule AS rule
    WHERE rule.organization_id = :organization_id AND rule.enabled
        AND (CAST(:rule_id AS uuid) IS NULL OR rule.id = :rule_id)
    ON CONFLICT DO NOTHING
    """
)

# Those whose customers live on a clock, which arrived where it was sent.
WAKE_ON_CLOCK = text(
    """
    INSERT INTO outbox_message
        (organization_id, id, kind, key, payload, created_at, available_at, attempts)
    SELECT rule.organization_id, gen_random_uuid(), 'top_up', rule.id || '/' || gen_random_uuid(),
        jsonb_build_object('rule_id', rule.id), now(), now(), 0
    FROM credit_top_up_rule AS rule
    JOIN customer ON customer.organization_id = rule.organization_id
        AND customer.id = rule.customer_id
    WHERE rule.organization_id = :organization_id AND rule.enabled
        AND customer.test_clock_id = :test_clock_id
    """
)

# Since when which tries count, failed ones too, and how many were declined one after the other.
SPENT = text(
    """
    SELECT count(*) FILTER (WHERE at >= :day) AS day_count,
        count(*) AS month_count,
        coalesce(sum(amount) FILTER (WHERE at >= :day), 0) AS day_amount,
        coalesce(sum(amount), 0) AS month_amount
    FROM credit_top_up
    WHERE organization_id = :organization_id AND rule_id = :rule_id AND at >= :month
    """
)

DECLINES = text(
    """
    SELECT count(*), max(settled_at) FROM credit_top_up
    WHERE organization_id = :organization_id AND rule_id = :rule_id AND status = 'failed'
        AND created_at >= :enabled_at
        AND number > coalesce((
            SELECT max(number) FROM credit_top_up
            WHERE organization_id = :organization_id AND rule_id = :rule_id
                AND status = 'succeeded'
        ), 0)
    """
)


class Spent(NamedTuple):
    """What a rule tried in this local day, and in this local month."""

    day_count: int
    month_count: int
    day_amount: Decimal
    month_amount: Decimal


def wake(
    session: Session,
    organization_id: UUID,
    rule_id: UUID | None,
    *,
    suffix: str = "",
    due_at: datetime | None = None,
    now: datetime,
) -> None:
    """Somebody looks at the rule, or at all of the organization, if it is switched on."""
    session.flush()
    session.execute(
        WAKE,
        {
            "organization_id": organization_id,
            "rule_id": rule_id,
            "suffix": suffix,
            "due_at": due_at,
            "now": now,
        },
    )


def wake_on_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> None:
    """Somebody looks at the rules of the customers of a test clock."""
    keys = {"organization_id": organization_id, "test_clock_id": test_clock_id}
    session.execute(WAKE_ON_CLOCK, keys)


def insert(session: Session, row: CreditTopUp | CreditTopUpRule) -> None:
    """Store a rule or a try."""
    session.add(row)
    session.flush()


def lock_rule(session: Session, organization_id: UUID, rule_id: UUID) -> CreditTopUpRule | None:
    """The rule with its row locked. Its wallet is locked before it."""
    return session.exec(
        select(CreditTopUpRule)
        .where(CreditTopUpRule.organization_id == organization_id, CreditTopUpRule.id == rule_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_rule(session: Session, organization_id: UUID, rule_id: UUID) -> CreditTopUpRule | None:
    """The rule, or None."""
    return session.get(CreditTopUpRule, (organization_id, rule_id))


def list_rules(
    session: Session, organization_id: UUID, customer_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CreditTopUpRule], int]:
    """A page of a customer's rules, oldest first, and how many there are."""
    matching = select(CreditTopUpRule).where(
        CreditTopUpRule.organization_id == organization_id,
        CreditTopUpRule.customer_id == customer_id,
    )
    return read_page(session, matching, offset=offset, limit=limit)


def list_top_ups(
    session: Session, organization_id: UUID, customer_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CreditTopUp], int]:
    """A page of what rules tried for a customer, oldest first, and how many tries there were."""
    matching = select(CreditTopUp).where(
        CreditTopUp.organization_id == organization_id, CreditTopUp.customer_id == customer_id
    )
    return read_page(session, matching, offset=offset, limit=limit)


def find_open(session: Session, key: WalletKey) -> CreditTopUp | None:
    """The try of the wallet whose end nobody knows, or None."""
    organization_id, customer_id, unit = key
    return session.exec(
        select(CreditTopUp).where(
            CreditTopUp.organization_id == organization_id,
            CreditTopUp.customer_id == customer_id,
            CreditTopUp.unit == unit,
            CreditTopUp.status == TopUpStatus.OPEN,
        )
    ).one_or_none()


def lock_open_of_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> CreditTopUp | None:
    """The try that an invoice is of, if its end is open, with its row locked."""
    return session.exec(
        select(CreditTopUp)
        .where(
            CreditTopUp.organization_id == organization_id,
            CreditTopUp.invoice_id == invoice_id,
            CreditTopUp.status == TopUpStatus.OPEN,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_spent(
    session: Session, organization_id: UUID, rule_id: UUID, *, day: datetime, month: datetime
) -> Spent:
    """What the rule tried since the day and the month began, failed tries included."""
    session.flush()
    keys = {"organization_id": organization_id, "rule_id": rule_id, "day": day, "month": month}
    return Spent(*session.execute(SPENT, keys).one())


def find_declines(session: Session, rule: CreditTopUpRule) -> tuple[int, datetime | None]:
    """How many tries failed one after the other since it was switched on, and when the last did."""
    session.flush()
    keys = {
        "organization_id": rule.organization_id,
        "rule_id": rule.id,
        "enabled_at": rule.enabled_at,
    }
    count, last = session.execute(DECLINES, keys).one()
    return count, last


def count_rules(session: Session, key: WalletKey) -> int:
    """How many rules of the wallet are switched on."""
    organization_id, customer_id, unit = key
    found = session.exec(
        select(func.count())
        .select_from(CreditTopUpRule)
        .where(
            CreditTopUpRule.organization_id == organization_id,
            CreditTopUpRule.customer_id == customer_id,
            CreditTopUpRule.unit == unit,
            col(CreditTopUpRule.enabled),
        )
    )
    return found.one()
