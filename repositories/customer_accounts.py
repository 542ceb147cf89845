"""Customers' accounts: balances, and the postings that make them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.books.chart import OF_BILLS
from billing.invoicing.invoices import InvoiceStatus
from models.customer_accounts import AccountPosting
from models.invoicing.invoices import Invoice
from models.subscriptions.states import HAS_ENDED

ACCOUNTS = """unnest(
    CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:currencies AS text[])
)"""

NEWEST_BALANCES = text(
    f"""
    SELECT asked.organization_id, asked.customer_id, asked.currency, newest.balance_after
    FROM {ACCOUNTS} AS asked (organization_id, customer_id, currency)
    CROSS JOIN LATERAL (
        SELECT balance_after FROM account_posting AS posting
        WHERE posting.organization_id = asked.organization_id
            AND posting.customer_id = asked.customer_id AND posting.currency = asked.currency
        ORDER BY posting.sequence DESC LIMIT 1
    ) AS newest
    """  # noqa: S608  (put together out of constants)
)

# What bills left and no later one took: the balance without what was paid too much. Later bills
# take that last, and it goes back as a refund of its payment.
LEFT_BY_BILLS = text(
    """
    SELECT currency, balance_after - coalesce((
        SELECT sum(payment.amount - payment.applied_amount - payment.refunded_amount)
        FROM payment
        WHERE payment.organization_id = newest.organization_id
            AND payment.customer_id = newest.customer_id
            AND payment.currency = newest.currency AND payment.status = 'succeeded'
    ), 0) AS amount
    FROM (
        SELECT DISTINCT ON (currency) organization_id, customer_id, currency, balance_after
        FROM account_posting
        WHERE organization_id = :organization_id AND customer_id = :customer_id
        ORDER BY currency, sequence DESC
    ) AS newest
    """
)

OPEN = text(
    """
    INSERT INTO customer_account (organization_id, customer_id, currency)
    VALUES (:organization_id, :customer_id, :currency) ON CONFLICT DO NOTHING
    """
)

LOCK = text(
    f"""
    SELECT FROM customer_account
    WHERE (organization_id, customer_id, currency) IN (
        SELECT asked.organization_id, asked.customer_id, asked.currency
        FROM {ACCOUNTS} AS asked (organization_id, customer_id, currency)
    )
    ORDER BY organization_id, customer_id, currency
    FOR UPDATE
    """  # noqa: S608  (put together out of constants)
)

KINDS_OF_BILLS = ", ".join(f"'{kind}'" for kind in sorted(OF_BILLS))

AccountKey = tuple[UUID, UUID, str]
"""Organization, customer and currency."""

# The last of the customer's subscriptions to end, if all of them have; of a customer who never
# had one, when bills last moved the account.
LAST_END = text(
    f"""
    SELECT coalesce(max(ended_at), (
        SELECT max(at) FROM account_posting
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND kind IN ({KINDS_OF_BILLS})
    )) FROM subscription
    WHERE organization_id = :organization_id AND customer_id = :customer_id
    HAVING coalesce(bool_and({HAS_ENDED}), true)
    """  # noqa: S608  (the condition is a constant)
)

RETURNABLE = text(
    """
    SELECT EXISTS (
        SELECT FROM invoice
        JOIN invoice_line AS line ON line.organization_id = invoice.organization_id
            AND line.invoice_id = invoice.id AND line.type = 'adjustment'
        WHERE invoice.organization_id = :organization_id AND invoice.customer_id = :customer_id
            AND invoice.carried_credit > 0 AND invoice.status NOT IN ('DRAFT', 'VOID')
            AND line.line_total > coalesce((
                SELECT sum(given.amount) FROM credit_note_line AS given
                WHERE given.organization_id = line.organization_id AND given.line_id = line.id
            ), 0)
    )
    """
)

# Customers on the wall clock whose credit nobody took for so long that it should have gone back.
OVERDUE = text(
    f"""
    SELECT customer.id
    FROM customer
    -- What bills left on the account in any currency; only a refund brings back what was paid
    -- too much.
    JOIN LATERAL (
        SELECT max(newest.balance_after - coalesce((
            SELECT sum(payment.amount - payment.applied_amount - payment.refunded_amount)
            FROM payment
            WHERE payment.organization_id = :organization_id
                AND payment.customer_id = customer.id
                AND payment.currency = newest.currency AND payment.status = 'succeeded'
        ), 0)) AS amount
        FROM (
            SELECT DISTINCT ON (currency) currency, balance_after FROM account_posting
            WHERE organization_id = :organization_id AND customer_id = customer.id
            ORDER BY currency, sequence DESC
        ) AS newest
        WHERE newest.balance_after > 0
    ) AS account ON account.amount > 0
    WHERE customer.organization_id = :organization_id AND customer.test_clock_id IS NULL
        AND customer.id IN (
            SELECT customer_id FROM customer_account WHERE organization_id = :organization_id
        )
        -- No subscription is left that could take it, and the last one ended long ago.
        AND (
            SELECT coalesce(max(ended_at), (
                    SELECT max(at) FROM account_posting
                    WHERE organization_id = :organization_id AND customer_id = customer.id
                        AND kind IN ({KINDS_OF_BILLS})
                )) < :before
                AND coalesce(bool_and({HAS_ENDED}), true)
            FROM subscription
            WHERE organization_id = :organization_id AND customer_id = customer.id
        )
    ORDER BY customer.id LIMIT 1000
    """  # noqa: S608  (the condition is a constant)
)


def lock_accounts(session: Session, keys: Collection[AccountKey]) -> None:
    """Nobody else moves these accounts until the transaction ends; they are locked in order."""
    if keys:
        session.execute(LOCK, _arrays(keys))


def get_balances(session: Session, keys: Collection[AccountKey]) -> dict[AccountKey, Decimal]:
    """What stands on each account."""
    balances = dict.fromkeys(keys, Decimal(0))
    if balances:
        for organization_id, customer_id, currency, balance in session.execute(
            NEWEST_BALANCES, _arrays(keys)
        ):
            balances[organization_id, customer_id, currency] = Decimal(balance)
    return balances


def _arrays(keys: Collection[AccountKey]) -> dict[str, object]:
    return {
        "organizations": [key[0] for key in keys],
        "customers": [key[1] for key in keys],
        "currencies": [key[2] for key in keys],
    }


def list_left_by_bills(
    session: Session, organization_id: UUID, customer_id: UUID
) -> dict[str, Decimal]:
    """What bills left on each of the customer's accounts and none took, where there is any.

    What was paid too much is not of it.
    """
    keys = {"organization_id": organization_id, "customer_id": customer_id}
    session.flush()
    return {
        currency: Decimal(amount)
        for currency, amount in session.execute(LEFT_BY_BILLS, keys)
        if amount > 0
    }


def find_last_end(session: Session, organization_id: UUID, customer_id: UUID) -> datetime | None:
    """When the last of the customer's subscriptions ended; None while one has not.

    Of a customer without any, when bills last moved the account.
    """
    keys = {"organization_id": organization_id, "customer_id": customer_id}
    found: datetime | None = session.execute(LAST_END, keys).scalar_one_or_none()
    return found


def list_overdue_returns(
    session: Session, organization_id: UUID, ended_before: datetime
) -> Sequence[UUID]:
    """Customers on the wall clock with credit, none of whose subscriptions lived since then."""
    session.flush()
    keys = {"organization_id": organization_id, "before": ended_before}
    return session.execute(OVERDUE, keys).scalars().all()


def has_returnable(session: Session, organization_id: UUID, customer_id: UUID) -> bool:
    """Whether an invoice that left credit has any of it that no credit note gave back."""
    keys = {"organization_id": organization_id, "customer_id": customer_id}
    return bool(session.execute(RETURNABLE, keys).scalar_one())


def lock_account(
    session: Session, organization_id: UUID, customer_id: UUID, currency: str
) -> AccountPosting | None:
    """The account's last posting, None if it has none yet, with the account locked.

    The account is opened if there is none. It is locked after every other row.
    """
    keys = {
        "organization_id": organization_id,
        "customer_id": customer_id,
        "currency": currency,
    }
    session.flush()
    session.execute(OPEN, keys)
    lock_accounts(session, [(organization_id, customer_id, currency)])
    return session.exec(
        select(AccountPosting)
        .where(
            AccountPosting.organization_id == organization_id,
            AccountPosting.customer_id == customer_id,
            AccountPosting.currency == currency,
        )
        .order_by(col(AccountPosting.sequence).desc())
        .limit(1)
    ).one_or_none()


def find_posted(session: Session, organization_id: UUID, keys: Collection[str]) -> set[str]:
    """Those of the keys under which something was posted."""
    return set(
        session.exec(
            select(AccountPosting.key).where(
                AccountPosting.organization_id == organization_id,
                col(AccountPosting.key).in_(keys),
            )
        )
    )


def list_carrying_invoices(
    session: Session, organization_id: UUID, customer_id: UUID, currency: str
) -> Sequence[Invoice]:
    """The customer's final invoices that left credit, the newest first."""
    return session.exec(
        select(Invoice)
        .where(
            Invoice.organization_id == organization_id,
            Invoice.customer_id == customer_id,
            Invoice.currency == currency,
            Invoice.carried_credit > 0,
            col(Invoice.status).not_in((InvoiceStatus.DRAFT, InvoiceStatus.VOID)),
        )
        .order_by(col(Invoice.finalized_at).desc(), col(Invoice.id).desc())
    ).all()
