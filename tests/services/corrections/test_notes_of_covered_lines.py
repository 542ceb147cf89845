"""Notes on lines that a coupon reduced and that credit and money paid, against a naive coin model.

Each cent of a line is a coin: the coupon's, a grant's, or money. A note takes coins, and gives each
back where it came from: never more of one kind than there was, and in the end exactly all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from billing.money import ONE, ZERO, round_half_away
from billing.rating.terms import Effective
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.discounts import uses
from repositories.invoicing import credit_notes as stored_credit_notes
from repositories.invoicing import invoices as stored_invoices
from services.catalog.tax_rates import CreateTaxRate, create_tax_rate
from services.corrections.credit_notes import CreditedLine
from services.customers import CustomerDetails, UpdateCustomer, update_customer
from services.invoicing import payment_status
from services.payments import recording
from tests.services.credits.purse import Purse
from tests.services.invoicing.bills import GRACE_OVER, invoices_of, pass_to, use
from tests.services.invoicing.coupons import redeem
from tests.services.invoicing.prepaid.drawn import JANUARY, findings, give, rows
from tests.services.lives import Life, begin_life
from tests.services.plan_fees import add_fee
from tests.services.purchases.till import Till
from tests.services.shop import Shop

MOST_NOTES = 7
"""After so many a note takes all of a line, so that a test ends."""
CENT = Decimal("0.01")
Coin = tuple[int, UUID]
"""A line's position, and the grant that paid."""


@dataclass(slots=True)
class Coins:
    """What an invoice took, and what its notes have given back so far."""

    life: Life
    invoice: Invoice
    lines: Sequence[InvoiceLine]
    discounts: dict[int, Decimal]
    drawn: dict[Coin, Decimal]
    noted: dict[UUID, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    returned: dict[Coin, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    notes: list[CreditNote] = field(default_factory=list)

    def left_of(self, line: InvoiceLine) -> Decimal:
        """What neither the coupon took nor a note gave back."""
        return line.line_total - self.discounts.get(line.position, ZERO) - self.noted[line.id]

    def note(self, line: InvoiceLine, amount: Decimal) -> None:
        """A note over so much of a line, which keeps every rule."""
        self.notes.append(credit(self.life, self.invoice, line, amount))
        self.noted[line.id] += amount
        self.returned = defaultdict(Decimal)
        for one in self.life.shop.read(stored_credit_notes.list_returns, self.invoice.id):
            self.returned[one.line_position, one.grant_id] += one.money
        self.invoice = read_invoice(self.life, self.invoice)
        self.require_no_more_than_there_was()

    def pay(self, amount: Decimal) -> None:
        """So much money comes in, if so much is due."""
        taken = min(amount, self.invoice.amount_due)
        if taken:
            told = recording.Told(amount=taken)
            self.life.shop.do(recording.record_by_hand, self.invoice.id, told)
            self.invoice = read_invoice(self.life, self.invoice)

    def require_no_more_than_there_was(self) -> None:
        """No more of any coin went back, and what went back is what was noted."""
        assert all(amount <= self.drawn[coin] for coin, amount in self.returned.items())
        assert self.back() <= self.invoice.amount_paid
        assert self.invoice.amount_due >= 0
        assert sum((one.tax for one in self.notes), ZERO) <= self.invoice.tax

    def money(self) -> Decimal:
        """What notes give back in money, or lower of what is due."""
        return sum((one.total - one.credits_after_tax for one in self.notes), ZERO)

    def back(self) -> Decimal:
        """What notes give back of the money that was received."""
        return self.money() - self.invoice.amount_credited


def credit(life: Life, invoice: Invoice, line: InvoiceLine, amount: Decimal) -> CreditNote:
    credited = [CreditedLine(line_id=line.id, amount=amount)]
    reason = f"Goodwill of {amount}"
    return life.shop.do(partial(payment_status.credit, reason=reason), invoice.id, credited)


def read_invoice(life: Life, invoice: Invoice) -> Invoice:
    found = life.shop.read(stored_invoices.find_invoice, invoice.id)
    assert found is not None
    return found


def amount_between(numbers: Random, low: int, high: int) -> Decimal:
    return Decimal(numbers.randrange(low, high)) / 100


def bill_any(shop: Shop, numbers: Random) -> Coins:
    """A final bill of usage: taxed in some way, with a coupon, grants, and part of its money."""
    kind = numbers.choice(["none", "on top", "contained"])
    if kind != "none":
        rate = CreateTaxRate(
            name="VAT", country="DE", percentage=Decimal(19), inclusive=kind == "contained"
        )
        shop.do(create_tax_rate, rate)
    life = begin_life(shop)
    details = CustomerDetails(name="Harbor", email="ap@harbor.test", billing_address_country="DE")
    given = frozenset({"billing_address_country"})
    customer_id = life.row().customer_id
    shop.do(update_customer, customer_id, UpdateCustomer(details=details, given=given))
    coupon: dict[str, Any] = {"percent": Decimal("12.5")}
    redeem(life, **numbers.choice([coupon, {"amount": Decimal(7), "currency": "USD"}]))
    grant_any(life, numbers)
    add_fee(shop, life.row().plan_id, "31.37", effective=Effective.RUNNING_PERIOD)
    use(life, (5, str(amount_between(numbers, 5000, 12000))))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    coins = coins_of(life, final)
    coins.pay(round_half_away(final.amount_due * numbers.choice([ZERO, Decimal("0.4"), ONE]), 2))
    return coins


def grant_any(life: Life, numbers: Random) -> None:
    """Free credit, and some that is bought."""
    for _ in range(numbers.randrange(3)):
        give(life, str(amount_between(numbers, 1, 3000)))
    till = Till(purse=Purse(shop=life.shop, customer_id=life.row().customer_id))
    for _ in range(numbers.randrange(1, 3)):
        amount = str(amount_between(numbers, 1, 3000))
        sold = till.sell(amount, amount, unit="USD", now=JANUARY)
        till.pay(sold.row.invoice_id, amount, now=JANUARY)


def coins_of(life: Life, invoice: Invoice) -> Coins:
    shop = life.shop
    key = (shop.organization_id, invoice.id)
    with shop.transactions.for_organization(shop.organization_id) as session:
        lines = stored_invoices.list_lines(session, shop.organization_id, [invoice.id])
        discounts = uses.sum_by_line(session, *key)
    drawn: dict[Coin, Decimal] = defaultdict(Decimal)
    for one in rows(life, invoice):
        drawn[one.line_position, one.grant_id] += one.money
    made = Coins(life=life, invoice=invoice, lines=lines, discounts=dict(discounts), drawn=drawn)
    assert sum(drawn.values()) == invoice.credits_total
    assert invoice.coupons_total > 0
    return made


@pytest.mark.parametrize("seed", range(18))
def test_notes_give_back_each_coin_once_and_in_the_end_all(shop: Shop, seed: int) -> None:
    numbers = Random(seed)
    coins = bill_any(shop, numbers)

    while open_lines := [line for line in coins.lines if coins.left_of(line)]:
        line = numbers.choice(open_lines)
        left = coins.left_of(line)
        with pytest.raises(Conflict) as refused:
            credit(coins.life, coins.invoice, line, left + CENT)
        assert refused.value.code == "credit_exceeds_line"
        part = amount_between(numbers, 1, 4000)
        coins.note(line, left if len(coins.notes) > MOST_NOTES else min(left, part))
        coins.pay(numbers.choice([ZERO, part]))

    assert dict(coins.returned) == {coin: one for coin, one in coins.drawn.items() if one}
    assert coins.money() == coins.invoice.total - coins.invoice.credits_after_tax
    assert (coins.invoice.amount_due, coins.back()) == (0, coins.invoice.amount_paid)
    assert sum(one.tax for one in coins.notes) == coins.invoice.tax
    assert coins.invoice.status == InvoiceStatus.PAID
    assert findings(coins.life) == []
