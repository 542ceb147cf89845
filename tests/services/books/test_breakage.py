"""Sold credit in the books, to its end: drawn, expired, refunded, rolled over, given back, held."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.books.formats import JournalFormat
from billing.credits.expiry import Rollover
from billing.credits.grants import GrantKind, Spendable
from billing.credits.purchases import Cost
from billing.invoicing.invoices import InvoiceStatus
from services.corrections import purchases
from services.credits import holds
from services.credits.deferred import read_deferred
from services.credits.grants import NewGrant
from services.credits.holds import NewHold
from services.purchases.buying import Terms, create_grant
from tests.services.books.ledgers import read_beancount, read_csv, read_hledger, write
from tests.services.credits.purse import BEGIN, DAY, UNIT, Purse, open_purse
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.coupons import redeem
from tests.services.invoicing.prepaid.drawn import JANUARY, void
from tests.services.lives import Life, begin_life
from tests.services.purchases.till import Till
from tests.services.shop import NOW, Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    """A customer without any credit yet."""
    return Till(purse=open_purse(shop))


def books(till: Till) -> dict[str, Decimal]:
    """What stands on each account, by three programs; what is owed is what is deferred."""
    shop = till.purse.shop
    read = {
        JournalFormat.BEANCOUNT: read_beancount,
        JournalFormat.HLEDGER: read_hledger,
        JournalFormat.CSV: read_csv,
    }
    found = [
        how(write(shop.transactions, shop.organization_id, language, limit=3))
        for language, how in read.items()
    ]
    assert found[0] == found[1] == found[2]
    assert sum(found[0].values()) == 0
    balances = {account: amount for (account, _), amount in found[0].items()}
    deferred = sum(one.amount for one in shop.read(read_deferred, None))
    assert -balances.get("Liabilities:PrepaidCredit", Decimal(0)) == deferred
    return balances


def entries(till: Till) -> list[tuple[str, str]]:
    """The days and kinds of what is posted of credit by itself."""
    shop = till.purse.shop
    rows = write(shop.transactions, shop.organization_id, JournalFormat.CSV).splitlines()[1:]
    found = [row.split(",") for row in rows]
    return list(dict.fromkeys((one[0], one[2]) for one in found if one[2].startswith("credit_")))


def spend(till: Till, amount: str) -> None:
    """So much is used, by a hold that is settled."""
    till.purse.settle(till.purse.hold(amount).id, amount)


def test_what_expires_is_income_on_its_day(till: Till) -> None:
    sold = till.sell("1000", "10.00", expires_at=BEGIN + 30 * DAY)
    till.pay(sold.row.invoice_id, "10.00")
    spend(till, "250")

    till.purse.expire(now=BEGIN + 40 * DAY)

    assert books(till) == {
        "Assets:Cash:ByHand": 10,
        "Income:Revenue:Untaxed": Decimal("-2.50"),
        "Income:Breakage": Decimal("-7.50"),
    }
    assert entries(till) == [("2026-03-02", "credit_drawn"), ("2026-04-01", "credit_expired")]


def test_thirds_are_recognised_to_the_cent(till: Till) -> None:
    sold = till.sell("3", "10.00", expires_at=BEGIN + 30 * DAY)
    till.pay(sold.row.invoice_id, "10.00")
    till.purse.release(till.purse.hold("1").id)

    spend(till, "1")
    assert books(till)["Liabilities:PrepaidCredit"] == Decimal("-6.67")
    spend(till, "1")
    till.purse.expire(now=BEGIN + 40 * DAY)

    found = books(till)
    assert (found["Income:Revenue:Untaxed"], found["Income:Breakage"]) == (
        Decimal("-6.67"),
        Decimal("-3.33"),
    )
    assert "Liabilities:PrepaidCredit" not in found


@pytest.mark.parametrize("spent", ["0", "1", "2"])
def test_a_refund_leaves_nothing_owed(till: Till, spent: str) -> None:
    sold = till.sell("3", "10.00")
    till.pay(sold.row.invoice_id, "10.00")
    if spent != "0":
        spend(till, spent)

    till.purse.shop.do(partial(purchases.end_grant, refund=True), sold.row.id)

    found = books(till)
    used = {"0": Decimal(0), "1": Decimal("3.33"), "2": Decimal("6.67")}[spent]
    assert "Liabilities:PrepaidCredit" not in found
    assert found.get("Income:Revenue:Untaxed", Decimal(0)) == -used
    assert "Income:Breakage" not in found


def test_what_is_held_while_the_rest_is_refunded_keeps_its_cost(till: Till) -> None:
    sold = till.sell("3", "10.00")
    till.pay(sold.row.invoice_id, "10.00")
    spend(till, "1")
    held = till.purse.hold("1")

    till.purse.shop.do(partial(purchases.end_grant, refund=True), sold.row.id)
    assert books(till)["Liabilities:PrepaidCredit"] == Decimal("-3.33")
    till.purse.settle(held.id, "1")

    found = books(till)
    assert "Liabilities:PrepaidCredit" not in found
    assert found["Income:Revenue:Untaxed"] == Decimal("-6.66")


def test_what_rolls_over_stays_owed_and_what_does_not_is_income(till: Till) -> None:
    rollover = Rollover(times=1, max=Decimal(1))
    sold = till.sell("3", "10.00", expires_at=BEGIN + DAY, rollover=rollover)
    till.pay(sold.row.invoice_id, "10.00")
    held = till.purse.hold("1")

    till.purse.expire(now=BEGIN + 2 * DAY)
    found = books(till)

    assert till.purse.balance(now=BEGIN + 2 * DAY).settled == 1
    assert held.id is not None
    assert found["Liabilities:PrepaidCredit"] == Decimal("-3.33")
    assert found["Income:Breakage"] == Decimal("-6.67")


def test_a_purchase_voided_after_some_was_spent_is_due_for_that(till: Till) -> None:
    sold = till.sell("3", "10.00", spendable=Spendable.AT_ONCE)
    spend(till, "1")

    till.change(sold.row.invoice_id, InvoiceStatus.VOID)

    assert books(till) == {
        "Assets:Receivable": Decimal("3.33"),
        "Income:Revenue:Untaxed": Decimal("-3.33"),
    }


@pytest.mark.parametrize("wanted", [InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE])
def test_a_purchase_nobody_pays_leaves_nothing(till: Till, wanted: InvoiceStatus) -> None:
    sold = till.sell("3", "10.00")

    till.change(sold.row.invoice_id, wanted)

    assert books(till) == {}


def test_what_is_ended_without_a_refund_is_income(till: Till) -> None:
    sold = till.sell("3", "10.00")
    till.pay(sold.row.invoice_id, "10.00")

    till.purse.shop.do(partial(purchases.end_grant, refund=False), sold.row.id)

    assert books(till) == {"Assets:Cash:ByHand": 10, "Income:Breakage": -10}


def spend_at(till: Till, at: datetime) -> None:
    """A dollar of credit is used by a hold, at the present of the customer's clock."""
    purse = till.purse
    until = at + timedelta(hours=1)
    command = NewHold(
        customer_id=purse.customer_id, unit="USD", amount=Decimal(1), expires_at=until
    )
    made = purse.shop.do(holds.hold, command)
    purse.shop.do(holds.settle, made.id, Decimal(1))


def live(shop: Shop, amount: str, cost: str) -> tuple[Life, Till]:
    """Somebody on a test clock whose bills draw what they bought, until the middle of March."""
    life = begin_life(shop)
    till = Till(purse=Purse(shop=shop, customer_id=life.row().customer_id))
    expires_at = FEBRUARY + 42 * DAY
    sold = till.sell(amount, cost, unit="USD", now=JANUARY, expires_at=expires_at)
    till.pay(sold.row.invoice_id, cost, now=JANUARY)
    return life, till


def test_of_a_bill_with_a_coupon_what_was_drawn_is_earned_and_the_rest_expires(shop: Shop) -> None:
    life, till = live(shop, "80", "40")
    redeem(life, percent=Decimal(25))
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    assert (final.coupons_total, final.credits_after_tax, final.amount_due) == (20, 60, 0)

    pass_to(life, FEBRUARY + 70 * DAY)
    till.purse.expire(now=NOW)

    assert books(till) == {
        "Assets:Cash:ByHand": 40,
        "Income:Revenue:Untaxed": -30,
        "Income:Breakage": -10,
    }


def test_what_comes_back_to_credit_that_is_over_is_income_at_once(shop: Shop) -> None:
    life, till = live(shop, "3", "10.00")
    use(life, (5, "1"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    assert books(till)["Liabilities:PrepaidCredit"] == Decimal("-6.67")
    pass_to(life, FEBRUARY + 70 * DAY)
    till.purse.expire(now=NOW)

    void(life, final)

    assert books(till) == {"Assets:Cash:ByHand": 10, "Income:Breakage": -10}
    assert [kind for _, kind in entries(till)] == ["credit_expired"] * 2


def test_thirds_come_back_to_the_cent_in_another_order(shop: Shop) -> None:
    life, till = live(shop, "3", "10.00")
    spend_at(till, JANUARY)
    use(life, (5, "1"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    spend_at(till, GRACE_OVER)
    assert "Liabilities:PrepaidCredit" not in books(till)

    void(life, final)

    found = books(till)
    assert found["Liabilities:PrepaidCredit"] == Decimal("-3.33")
    assert found["Income:Revenue:Untaxed"] == Decimal("-6.67")


def test_what_another_currency_drew_is_earned_in_that_which_it_was_sold_in(till: Till) -> None:
    purse = till.purse
    command = NewGrant(unit=UNIT, amount=Decimal(3))
    price = Cost(amount=Decimal(10), currency="EUR")
    terms = Terms(kind=GrantKind.PAID, cost=price, spendable=Spendable.AT_ONCE)
    sold = purse.shop.do(create_grant, purse.customer_id, command, terms, now=BEGIN)
    purse.draw(purse.invoice(), (sold.row.id, 1, "1"))

    text = write(purse.shop.transactions, purse.organization_id, JournalFormat.BEANCOUNT)

    found = {account: one for (account, code), one in read_beancount(text).items() if code == "EUR"}
    assert found == {
        "Assets:Receivable": 10,
        "Liabilities:PrepaidCredit": Decimal("-6.67"),
        "Income:Revenue:Untaxed": Decimal("-3.33"),
    }


def test_free_credit_that_expires_is_no_matter_of_the_books(till: Till) -> None:
    till.purse.grant("5", expires_at=BEGIN + DAY)

    till.purse.expire(now=BEGIN + 2 * DAY)

    assert books(till) == {}
