"""Prepaid credit in the books: what was sold is owed until bills draw it, what was given is not."""

from __future__ import annotations

from decimal import Decimal

from billing.books.formats import JournalFormat
from services.invoicing import payment_status
from tests.services.books.ledgers import read_beancount, write
from tests.services.credits.purse import Purse
from tests.services.invoicing.bills import GRACE_OVER, invoices_of, pass_to, use
from tests.services.invoicing.own_units.tokens import give_tokens_back, in_britain, live_on_tokens
from tests.services.invoicing.prepaid.drawn import JANUARY, give, note, void
from tests.services.lives import Life, begin_life
from tests.services.purchases.till import Till
from tests.services.shop import Shop


def books(shop: Shop) -> dict[str, Decimal]:
    """What stands on each account."""
    text = write(shop.transactions, shop.organization_id, JournalFormat.BEANCOUNT)
    return {account: amount for (account, _), amount in read_beancount(text).items()}


def sell_and_bill(shop: Shop) -> Life:
    """50 sold for 40 and paid, 10 given, and 80 used."""
    life = begin_life(shop)
    till = Till(purse=Purse(shop=shop, customer_id=life.row().customer_id))
    sold = till.sell("50", "40", unit="USD", now=JANUARY)
    till.pay(sold.row.invoice_id, "40", now=JANUARY)
    give(life, "10")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    return life


def test_sold_credit_is_a_liability_until_a_bill_draws_it(shop: Shop) -> None:
    life = sell_and_bill(shop)

    [final, *_] = invoices_of(life)

    assert (final.total, final.credits_after_tax, final.amount_due) == (70, 50, 20)
    assert books(shop) == {
        "Assets:Receivable": 20,
        "Assets:Cash:ByHand": 40,
        "Income:Revenue:Untaxed": -60,
    }


def test_what_goes_back_is_a_liability_again(shop: Shop) -> None:
    life = sell_and_bill(shop)
    [final, *_] = invoices_of(life)

    void(life, final)

    assert books(shop) == {"Liabilities:PrepaidCredit": -40, "Assets:Cash:ByHand": 40}


def test_a_note_gives_back_what_was_sold(shop: Shop) -> None:
    life = sell_and_bill(shop)
    [final, *_] = invoices_of(life)
    shop.do(payment_status.pay, final.id)

    made = note(life, final, "40")

    assert (made.credits_before_tax, made.total, made.credits_after_tax) == (5, 35, 25)
    assert books(shop) == {
        "Assets:Receivable": -10,
        "Assets:Cash:ByHand": 60,
        "Liabilities:PrepaidCredit": -20,
        "Income:Revenue:Untaxed": -30,
    }


def test_sold_units_are_earned_by_what_they_had_cost_and_what_is_over_by_its_rate(
    shop: Shop,
) -> None:
    life = in_britain(live_on_tokens(shop))
    till = Till(purse=Purse(shop=shop, customer_id=life.row().customer_id))
    sold = till.sell("100", "40", unit="TOKENS", now=JANUARY)
    till.pay(sold.row.invoice_id, "40", now=JANUARY)
    use(life, (5, "60"))
    assert books(shop) == {"Liabilities:PrepaidCredit": -40, "Assets:Cash:ByHand": 40}

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert books(shop) == {
        "Assets:Receivable": Decimal("0.4"),
        "Assets:Cash:ByHand": 40,
        "Income:Revenue:Untaxed": Decimal("-40.4"),
    }
    give_tokens_back(life, final, "70")
    assert books(shop) == {
        "Assets:Cash:ByHand": 40,
        "Liabilities:PrepaidCredit": -20,
        "Income:Revenue:Untaxed": -20,
    }
