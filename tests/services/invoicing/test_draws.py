"""Bills draw on prepaid credit: which grant pays what of which line, and what is left to pay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from billing.errors import InvalidTransition
from billing.invoicing.invoices import InvoiceStatus
from billing.money import plain_text
from models.invoicing.credit_notes import CreditNote
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice
from repositories.credits import checks as credit_checks
from repositories.invoicing import draws
from repositories.invoicing import invoices as stored_invoices
from repositories.operations import document_checks
from services.corrections.credit_notes import CreditedLine
from services.credits import balances, grants
from services.credits.grants import NewGrant
from services.documents import assembly, text
from services.documents.summary import summarize
from services.invoicing import payment_status, previews
from services.rating import accruing
from tests.services.invoicing.test_exact_bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    use,
)
from tests.services.lives import Life, begin_life
from tests.services.shop import Shop

JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
FIFTEENTH = JANUARY + timedelta(days=14)


def give(life: Life, amount: str, *, at: datetime = JANUARY, **more: Any) -> UUID:
    """The customer is given so much in the currency of the bills."""
    command = NewGrant(unit="USD", amount=Decimal(amount), effective_at=at, **more)
    return life.shop.do(grants.grant_free, life.row().customer_id, command).row.id


def drawn(life: Life, invoice: Invoice) -> list[tuple[UUID, int, str]]:
    """Which grant pays how much of which line of an invoice."""
    return [
        (one.grant_id, one.line_position, plain_text(one.amount)) for one in rows(life, invoice)
    ]


def rows(life: Life, invoice: Invoice) -> Sequence[InvoiceDraw]:
    """The draws of an invoice as they are stored."""
    key = (life.shop.organization_id, invoice.id)
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        return draws.list_draws(session, [key])[key]


def amounts(invoice: Invoice) -> list[str]:
    """What an invoice comes to: its lines, less credit, in all, and what is due of it."""
    return [
        plain_text(one)
        for one in (
            invoice.subtotal,
            invoice.credits_before_tax,
            invoice.total,
            invoice.amount_due,
        )
    ]


def movements(life: Life) -> list[tuple[str, str]]:
    """What moved the customer's credit in the currency of the bills."""
    read = partial(balances.read_ledger, after=0, limit=1000)
    found = life.shop.read(read, life.row().customer_id, "USD")
    return [(one.kind, plain_text(one.amount)) for one in found.rows]


def test_a_free_grant_pays_of_the_bill_as_it_becomes_final(shop: Shop) -> None:
    life = begin_life(shop)
    grant_id = give(life, "30")
    use(life, (5, "80"))

    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    assert draft.status == "DRAFT"
    assert amounts(draft) == ["80", "30", "50", "50"]
    assert movements(life) == [("granted", "30")]
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert final.status == "OPEN"
    assert amounts(final) == ["80", "30", "50", "50"]
    assert drawn(life, final) == [(grant_id, 0, "30")]
    assert movements(life) == [("granted", "30"), ("drawn", "-30")]


def test_a_bill_that_credit_pays_whole_is_paid(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100")
    use(life, (5, "80"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert (final.status, amounts(final)) == ("PAID", ["80", "80", "0", "0"])
    assert movements(life) == [("granted", "100"), ("drawn", "-80")]


def test_a_grant_pays_only_what_was_used_while_it_was_alive(shop: Shop) -> None:
    life = begin_life(shop)
    first = give(life, "100", expires_at=FIFTEENTH)
    second = give(life, "100", at=FIFTEENTH)
    use(life, (5, "50"), (20, "30"))

    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert preview.totals.credits_before_tax == 80
    assert drawn(life, final) == [(first, 0, "50"), (second, 0, "30")]


def void(life: Life, invoice: Invoice, **options: Any) -> Invoice:
    """The invoice has no effect any more."""
    change = partial(payment_status.change_status, note=None, **options)
    return life.shop.do(change, invoice.id, InvoiceStatus.VOID)


def findings(life: Life) -> list[object]:
    """Everything that contradicts the rules of documents and of credit."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        return [
            *document_checks.list_contradictions(session, shop.organization_id),
            *credit_checks.list_contradictions(session, shop.organization_id),
        ]


def test_what_credit_alone_has_paid_may_be_void_and_gives_it_back(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    assert findings(life) == []

    voided = void(life, final)

    assert (voided.status, voided.amount_due, voided.paid_at) == ("VOID", 0, None)
    assert movements(life) == [("granted", "100"), ("drawn", "-80"), ("returned", "80")]
    assert findings(life) == []


def test_what_goes_back_to_a_grant_that_is_over_lives_on_only_if_asked(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100", expires_at=FIFTEENTH)
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    void(life, final, extend_days=3)

    assert movements(life)[-3:] == [("returned", "80"), ("rolled", "-80"), ("granted", "80")]
    assert findings(life) == []


def test_what_money_has_paid_stays_paid(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "30")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    shop.do(payment_status.pay, final.id)

    with pytest.raises(InvalidTransition):
        void(life, final)
    assert findings(life) == []


def note(life: Life, invoice: Invoice, amount: str) -> CreditNote:
    """So much of the first line is given back."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        [row, *_] = stored_invoices.list_lines(session, shop.organization_id, [invoice.id])
    credited = [CreditedLine(line_id=row.id, amount=Decimal(amount))]
    return shop.do(partial(payment_status.credit, reason="Goodwill"), invoice.id, credited)


def parts(made: CreditNote) -> tuple[str, str, str]:
    """What a note gives back to grants before tax, in money and after tax."""
    return (
        plain_text(made.credits_before_tax),
        plain_text(made.total),
        plain_text(made.credits_after_tax),
    )


def test_a_note_gives_back_to_the_grants_that_paid(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    assert parts(note(life, final, "30")) == ("30", "0", "0")
    assert movements(life)[-1] == ("returned", "30")
    assert findings(life) == []


def test_a_note_lowers_what_is_due_before_it_gives_credit_back(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "30")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    assert parts(note(life, final, "20")) == ("0", "20", "0")
    assert parts(note(life, final, "40")) == ("10", "30", "0")
    assert parts(note(life, final, "15")) == ("15", "0", "0")
    assert movements(life)[2:] == [("returned", "10"), ("returned", "15")]
    assert findings(life) == []


def test_a_note_on_what_money_and_credit_have_paid_gives_back_in_proportion(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "30")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    shop.do(payment_status.pay, final.id)

    assert parts(note(life, final, "40")) == ("15", "25", "0")
    assert parts(note(life, final, "0.01")) == ("0", "0.01", "0")
    assert parts(note(life, final, "39.99")) == ("15", "24.99", "0")
    assert findings(life) == []


def test_documents_say_what_credit_pays(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "30")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    document = shop.read(assembly.read_invoice, final.id)

    assert "  Prepaid credit" in text.render_text(document)
    shown = summarize(document).totals
    assert [one["amount"] for one in shown][:2] == ["$80.00", "-$30.00"]
    evidence = json.loads(document.receipt)
    assert [one["total"] for one in evidence["credits"]] == ["-30"]


def test_a_note_shows_what_goes_back_to_grants(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "30")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    shop.do(payment_status.pay, final.id)
    made = note(life, final, "40")

    document = shop.read(assembly.read_credit_note, made.id)

    assert (document.subtotal, document.total) == (40, 25)
    assert document.prepaid is not None
    assert document.prepaid.amount == 15


def test_what_is_used_and_not_billed_accrues(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100")
    use(life, (5, "80"))
    read = partial(balances.read_balance, at=None, look_at_accruing=accruing.find_accruing)

    pass_to(life, FIFTEENTH)
    open_period = shop.do(read, life.row().customer_id, "USD")
    pass_to(life, FEBRUARY)
    drafted = shop.do(read, life.row().customer_id, "USD")
    pass_to(life, GRACE_OVER)
    final = shop.do(read, life.row().customer_id, "USD")

    assert (open_period.settled, open_period.accruing, open_period.available) == (100, 80, 20)
    assert (drafted.settled, drafted.accruing, drafted.available) == (100, 80, 20)
    assert (final.settled, final.accruing, final.available) == (20, 0, 20)


def test_late_usage_is_paid_by_grants_that_were_alive_then_and_are_still(shop: Shop) -> None:
    life = begin_life(shop)
    pass_to(life, GRACE_OVER)
    before = give(life, "5")
    give(life, "5", at=FIFTEENTH, priority=1)
    use(life, (20, "10"), late=True)
    mark_changed(life, datetime(2025, 1, 20, tzinfo=UTC))

    pass_to(life, GRACE_OVER + timedelta(days=28))

    [_, final, *_] = invoices_of(life)
    assert amounts(final) == ["10", "5", "5", "5"]
    assert drawn(life, final) == [(before, 1, "5")]
    assert findings(life) == []
