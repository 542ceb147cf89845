"""What exists once cannot be written twice, whatever the code above the database does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from billing.payments.gateways import Provider
from billing.payments.kinds import PaymentKind, PaymentStatus
from billing.periods import Cadence, Interval
from models.invoicing.invoices import Invoice
from models.payments.connections import Connection
from models.payments.payments import Payment
from models.usage.events import UsageEventKey
from repositories import idempotency
from repositories.idempotency import RequestName
from repositories.invoicing import invoices
from repositories.transactions import Transactions
from services.corrections.credit_notes import CreditedLine, credit_invoice
from services.credits.recurring.rules import NewGrantRule
from services.discounts import coupons, redemptions
from services.discounts.coupons import CreateCoupon
from services.purchases import recurring
from services.usage.corrections import void_usage
from tests.servers import superuser_engine
from tests.services.credits.purse import BEGIN, UNIT, open_purse
from tests.services.lives import begin_life
from tests.services.purchases.till import Till
from tests.services.purchases.topping_up import add_rule, look, save_method
from tests.services.shop import NOW, Shop, open_shop

TENTH = datetime(2025, 1, 10, tzinfo=UTC)
FEBRUARY, MARCH, APRIL = (datetime(2025, month, 1, 2, tzinfo=UTC) for month in (2, 3, 4))

ANOTHER_INVOICE = """(
    SELECT id FROM invoice AS another WHERE another.organization_id = original.organization_id
        AND another.id <> original.invoice_id LIMIT 1
)"""
FAILED = "'id', gen_random_uuid(), 'status', 'failed', 'settled_at', now()"

SECOND_ROWS = {
    "pk_usage_event_key": ("usage_event_key", "'event_id', gen_random_uuid()"),
    "pk_meter_claim": ("meter_claim", "'spans', '{}', 'subscription_ids', '{}'"),
    "ck_meter_claim_overlap": (
        "meter_claim",
        (
            "'spans', original.spans || original.spans,"
            " 'subscription_ids', original.subscription_ids || original.subscription_ids"
        ),
    ),
    "pk_subscription_period": (
        "subscription_period",
        (
            "'starts_at', '2199-01-01T00:00:00Z', 'ends_at', '2199-02-01T00:00:00Z',"
            " 'regular_starts_at', NULL, 'regular_ends_at', NULL"
        ),
    ),
    "ex_subscription_period_overlap": (
        "subscription_period",
        "'index', 99, 'ends_at', original.starts_at + interval '1 hour'",
    ),
    "pk_billing_run": ("billing_run", "'digest', 'another'"),
    "uq_invoice_period": ("invoice", "'id', gen_random_uuid(), 'invoice_number', 'INV-1'"),
    "uq_invoice_threshold": (
        "invoice",
        (
            "'id', gen_random_uuid(), 'kind', 'threshold', 'revision', -1,"
            " 'invoice_number', 'INV-' || number"
        ),
    ),
    "uq_invoice_reissue": (
        "invoice",
        (
            "'id', gen_random_uuid(), 'period_index', 90 + number, 'reissue_of', original.id,"
            " 'invoice_number', 'INV-' || number"
        ),
    ),
    "uq_invoice_number": ("invoice", "'id', gen_random_uuid(), 'period_index', 90"),
    "uq_credit_note_number": ("credit_note", "'id', gen_random_uuid()"),
    "pk_invoice_sequence": ("invoice_sequence", "'last_number', 0"),
    "pk_late_usage_mark": ("late_usage_mark", "'marked_at', now()"),
    "pk_account_posting": ("account_posting", "'key', 'another'"),
    "ck_account_posting_balance": (
        "account_posting",
        "'key', 'another', 'amount', -1 - original.balance_before, 'balance_after', -1",
    ),
    "fk_account_posting_chain": (
        "account_posting",
        (
            "'key', 'another' || number, 'sequence', 90 + number, 'follows', 89 + number,"
            " 'balance_before', 0, 'balance_after', original.amount"
        ),
    ),
    "uq_account_posting_key": (
        "account_posting",
        (
            "'sequence', original.sequence + 1, 'follows', original.sequence,"
            " 'balance_before', original.balance_after,"
            " 'balance_after', original.balance_after + original.amount"
        ),
    ),
    "uq_payment_in_flight": (
        "payment",
        "'id', gen_random_uuid(), 'attempt', 90, 'idempotency_key', 'another'",
    ),
    "uq_payment_attempt": ("payment", f"{FAILED}, 'idempotency_key', 'another'"),
    "uq_payment_key": ("payment", f"{FAILED}, 'attempt', 90"),
    "pk_idempotency_request": ("idempotency_request", "'body', 'another'"),
    "uq_credit_posting_key": (
        "credit_posting",
        (
            "'id', gen_random_uuid(), 'position', 90, 'kind', 'expired', 'amount', 0,"
            " 'sequence', original.sequence + 1, 'follows', original.sequence,"
            " 'rest_before', original.rest_after"
        ),
    ),
    "uq_credit_grant_occurrence": ("credit_grant", "'id', gen_random_uuid(), 'sequence', 90"),
    "uq_credit_top_up_open": (
        "credit_top_up",
        f"'id', gen_random_uuid(), 'number', 90, 'invoice_id', {ANOTHER_INVOICE}",
    ),
    "uq_invoice_coupon_use": ("invoice_coupon", f"'invoice_id', {ANOTHER_INVOICE}"),
    "uq_outbox_message_key": ("outbox_message", "'id', gen_random_uuid()"),
}
"""By constraint: the table, and what a copy of one of its rows says differently."""


@pytest.fixture(scope="module")
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever may change anything."""
    engine = superuser_engine(module_database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def shop(transactions: Transactions) -> Shop:
    """January was billed, January's usage voided, credit left; there is a row of everything."""
    shop = open_shop(transactions)
    life = begin_life(shop)
    shop.do(coupons.create_coupon, CreateCoupon(code="ONCE", amount=Decimal(1), currency="USD"))
    shop.do(redemptions.redeem_coupon, life.row().customer_id, "ONCE")
    first, second = life.use(TENTH, 100), life.use(TENTH, 5)
    life.advance(FEBRUARY)
    shop.do(void_usage, first.id)
    life.advance(MARCH)
    life.advance(APRIL)
    shop.do(void_usage, second.id)
    january = life.invoices()[0]
    [line] = shop.read(invoices.list_lines, [january.id])
    note = [CreditedLine(line_id=line.id, amount=Decimal(1))]
    name = RequestName(
        organization_id=shop.organization_id, method="POST", path="/customers", key="once"
    )
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(
            UsageEventKey(
                organization_id=shop.organization_id,
                idempotency_key="once",
                event_id=first.id,
                timestamp=first.timestamp,
                content_hash=b"",
            )
        )
        charge(session, january)
        credit_invoice(
            session, name.organization_id, january.id, note, reason="goodwill", at=APRIL, now=NOW
        )
        idempotency.save_answer(
            session, name, fingerprint="one", status=201, body="{}", created_at=NOW
        )
    return shop


@pytest.fixture(scope="module")
def bought(transactions: Transactions) -> Till:
    """Credit recurs, and a top-up of it is open."""
    till = Till(purse=open_purse(open_shop(transactions)))
    monthly = Cadence(interval=Interval.MONTH)
    command = NewGrantRule(unit=UNIT, amount=Decimal(50), interval=monthly)
    till.purse.shop.do(recurring.create_rule, till.purse.customer_id, command, now=BEGIN)
    save_method(till)
    add_rule(till)
    look(till)
    till.purse.invoice()
    return till


def charge(session: Session, invoice: Invoice) -> None:
    """A saved method is being charged for the invoice."""
    connection = Connection(
        organization_id=invoice.organization_id,
        provider=Provider.SANDBOX,
        name="Sandbox",
        created_at=NOW,
    )
    session.add(connection)
    session.flush()
    session.add(
        Payment(
            organization_id=invoice.organization_id,
            invoice_id=invoice.id,
            customer_id=invoice.customer_id,
            connection_id=connection.id,
            attempt=1,
            kind=PaymentKind.SAVED_METHOD,
            amount=invoice.total,
            currency=invoice.currency,
            status=PaymentStatus.PENDING,
            idempotency_key="once",
            at=NOW,
            created_at=NOW,
        )
    )
    session.flush()


@pytest.mark.parametrize("constraint", SECOND_ROWS)
def test_second_row_is_refused_by_the_database(
    shop: Shop, bought: Till, owner: Engine, constraint: str
) -> None:
    table, changes = SECOND_ROWS[constraint]
    plant = f"""
        INSERT INTO {table}
        SELECT (jsonb_populate_record(original, jsonb_build_object({changes}))).*
        FROM {table} AS original CROSS JOIN generate_series(1, 2) AS number
        WHERE original.organization_id = ANY(%(organizations)s)
        ORDER BY array_position(%(organizations)s, original.organization_id),
            original.ctid, number
        LIMIT 2
    """
    organizations = [shop.organization_id, bought.purse.organization_id]

    with Session(owner) as session, pytest.raises(IntegrityError, match=f'"{constraint}"'):
        session.connection().exec_driver_sql(plant, {"organizations": organizations})
