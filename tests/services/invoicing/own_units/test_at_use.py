"""Charges in units that are taxed as they are used, through bills, notes, voids, books and proofs.

*Source: CREDITS 13, 14, 16 to 18.*
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing.money import plain_text
from billing.units import Taxation
from models.invoicing.invoices import Invoice
from repositories.catalog import meters
from services.catalog.tax_rates import CreateTaxRate, create_tax_rate
from services.credits.deferred import read_deferred
from services.invoicing import payment_status
from services.usage.rollups import rebuild_rollups
from tests.services.books.test_prepaid_credit import books
from tests.services.credits.purse import Purse
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    require_proven,
    use,
)
from tests.services.invoicing.own_units.tokens import (
    give_tokens,
    give_tokens_back,
    in_britain,
    live_on_tokens,
    moved,
    notes,
    sell_tokens,
)
from tests.services.invoicing.prepaid.drawn import (
    FIFTEENTH,
    JANUARY,
    amounts,
    findings,
    give,
    parts,
    rows,
    void,
)
from tests.services.lives import Life
from tests.services.purchases.till import Till
from tests.services.shop import Shop
from tests.services.usage_facts import Fact, store_events

VAT = CreateTaxRate(name="VAT", country="GB", percentage=Decimal(20), inclusive=False)


def live(shop: Shop, *, has_tax: bool = True) -> Life:
    """A customer, in Britain if there is tax, of a plan in tokens that are taxed as they pay."""
    life = live_on_tokens(shop, tax=Taxation.AT_USE)
    if has_tax:
        shop.do(create_tax_rate, VAT)
        in_britain(life)
    return life


def billed(shop: Shop, calls: str = "60", *, has_tax: bool = True) -> tuple[Life, Invoice]:
    """100 tokens were sold for a dollar; a call costs two, and what is over 0.02 each."""
    life = live(shop, has_tax=has_tax)
    sell_tokens(life, "100", "1")
    use(life, (5, calls))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    return life, final


def owed(life: Life) -> Decimal:
    """What was sold and is not spent, in dollars."""
    return sum((one.amount for one in life.shop.read(read_deferred, "TOKENS")), Decimal(0))


def test_what_tokens_had_cost_is_taxed_with_the_rest_and_paid(shop: Shop) -> None:
    life = live(shop)
    sell_tokens(life, "100", "1")
    use(life, (5, "60"))
    pass_to(life, FEBRUARY)

    [draft, *_] = invoices_of(life)
    assert (amounts(draft), owed(life)) == (["1.4", "0", "1.68", "0.68"], 1)
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert (final.status, amounts(final)) == ("OPEN", ["1.4", "0", "1.68", "0.68"])
    assert (final.tax, final.credits_after_tax, owed(life)) == (Decimal("0.28"), 1, 0)
    assert [(one.unit, one.amount, one.money, one.place) for one in rows(life, final)] == [
        ("TOKENS", 100, 1, "after_tax")
    ]
    assert moved(life) == [("granted", "100"), ("drawn", "-100")]
    assert findings(life) == []
    require_proven(life)


def test_free_tokens_pay_first_and_cost_nothing(shop: Shop) -> None:
    life = live(shop, has_tax=False)
    sold = sell_tokens(life, "100", "1", priority=1)
    free = give_tokens(life, "50")
    use(life, (5, "60"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert [(one.grant_id, one.amount, one.money) for one in rows(life, final)] == [
        (free, 50, 0),
        (sold, 70, Decimal("0.7")),
    ]
    assert (final.status, amounts(final)) == ("PAID", ["0.7", "0", "0.7", "0"])
    assert owed(life) == Decimal("0.3")
    assert findings(life) == []


def test_draws_of_a_line_are_in_the_order_in_which_grants_pay(shop: Shop) -> None:
    life = live(shop, has_tax=False)
    grants = [give_tokens(life, "10", priority=priority) for priority in (30, 10, 20, 40)]
    dollars = [give(life, "0.2", priority=priority) for priority in (20, 10)]
    use(life, (5, "30"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    wanted = [grants[1], grants[2], grants[0], grants[3], dollars[1], dollars[0]]
    assert [one.grant_id for one in rows(life, final)] == wanted


def test_tokens_that_were_sold_in_another_currency_wait_for_bills_in_it(shop: Shop) -> None:
    life = live(shop, has_tax=False)
    sell_tokens(life, "100", "1", currency="EUR", expires_at=FIFTEENTH)
    free = give_tokens(life, "10")
    use(life, (5, "30"), (20, "30"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert [(one.grant_id, one.amount) for one in rows(life, final)] == [(free, 10)]
    assert amounts(final) == ["2.2", "0", "2.2", "2.2"]
    assert findings(life) == []
    require_proven(life)


def test_a_void_bill_gives_back_what_it_said_to_the_cent(shop: Shop) -> None:
    """3 tokens for 10.00: of four draws, one of which came back, the bills say 10.00."""
    life = live(shop, has_tax=False)
    sell_tokens(life, "3", "10")
    ends = [datetime(2025, month, 1, 2, tzinfo=UTC) for month in (2, 3, 4, 5)]
    costs = []
    for number, end in enumerate(ends):
        use_once(life, end - timedelta(days=10))
        pass_to(life, end)
        costs.append(plain_text(invoices_of(life)[-1].credits_after_tax))
        if number == 1:
            first = invoices_of(life)[0]
            void(life, first)
            assert owed(life) == Decimal("6.67")

    assert costs == ["3.33", "3.34", "3.33", "3.33"]
    assert (owed(life), findings(life)) == (0, [])
    require_proven(life)


def use_once(life: Life, at: datetime) -> None:
    """Half a call, which costs a token."""
    shop = life.shop
    meter_id = shop.read(meters.list_meters, offset=0, limit=1)[0][0].id
    fact = Fact(at=at, value=Decimal("0.5"))
    store_events(shop, life.row().customer_id, meter_id, [fact])
    shop.read(rebuild_rollups)


def test_a_note_on_a_paid_bill_gives_tokens_back_and_their_tax_as_money(shop: Shop) -> None:
    life, final = billed(shop)
    shop.do(payment_status.pay, final.id)

    made = [give_tokens_back(life, final, "50"), give_tokens_back(life, final, "70")]

    # Of 50, 41.7 go to the grant, which had cost 0.42, and 8.3 were 0.17; with 20 % of both.
    assert [parts(one) for one in made] == [("0", "0.71", "0.42"), ("0", "0.97", "0.58")]
    assert moved(life)[2:] == [("returned", "41.7"), ("returned", "58.3")]
    assert (owed(life), findings(life)) == (1, [])


def test_a_note_lowers_what_is_due_of_the_rest_and_then_gives_tokens_back(shop: Shop) -> None:
    life, final = billed(shop)

    made = [give_tokens_back(life, final, amount) for amount in ("15", "20", "85")]

    assert [parts(one) for one in made] == [
        ("0", "0.36", "0"),
        ("0", "0.3", "0.15"),
        ("0", "1.02", "0.85"),
    ]
    [final, *_] = invoices_of(life)
    assert (final.status, final.amount_due, final.amount_credited) == ("PAID", 0, Decimal("0.68"))
    assert (owed(life), findings(life)) == (1, [])


def test_notes_of_single_tenths_give_back_exactly_what_was_billed(shop: Shop) -> None:
    life = live(shop)
    sell_tokens(life, "0.7", "1")
    use(life, (5, "0.6"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    assert (final.total, final.credits_after_tax) == (Decimal("1.21"), 1)

    made = [give_tokens_back(life, final, "0.1", reason=f"{number}") for number in range(12)]

    assert sum(one.total for one in made) == final.total
    assert sum(one.credits_after_tax for one in made) == 1
    assert (owed(life), findings(life)) == (1, [])


def test_usage_that_comes_late_is_paid_by_sold_tokens_as_well(shop: Shop) -> None:
    life, _ = billed(shop, "40", has_tax=False)
    use(life, (6, "30"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))

    pass_to(life, GRACE_OVER + timedelta(days=28))

    [first, second, *_] = invoices_of(life)
    assert (amounts(first), amounts(second)) == (["0.8", "0", "0.8", "0"], ["1", "0", "1", "0.8"])
    assert (owed(life), findings(life)) == (0, [])
    require_proven(life)


def test_usage_that_was_too_much_gives_sold_tokens_back(shop: Shop) -> None:
    life, first = billed(shop)
    shop.do(payment_status.pay, first.id)
    use(life, (6, "-30"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))

    pass_to(life, GRACE_OVER + timedelta(days=28))

    assert [parts(one) for one in notes(life, first)] == [("0", "0.84", "0.5")]
    assert moved(life)[1:] == [("drawn", "-100"), ("returned", "50")]
    assert (owed(life), findings(life)) == (Decimal("0.5"), [])


def test_the_books_owe_what_is_not_spent_and_earn_what_was_drawn(shop: Shop) -> None:
    life = live(shop)
    till = Till(purse=Purse(shop=shop, customer_id=life.row().customer_id))
    sold = till.sell("100", "1", unit="TOKENS", now=JANUARY)
    till.pay(sold.row.invoice_id, "1", now=JANUARY)
    assert books(shop) == {"Liabilities:PrepaidCredit": -1, "Assets:Cash:ByHand": 1}
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)

    stands = books(shop)

    assert (stands["Assets:Receivable"], stands["Assets:Cash:ByHand"]) == (Decimal("0.68"), 1)
    assert "Liabilities:PrepaidCredit" not in stands
    assert (of(stands, "Income:"), of(stands, "Liabilities:")) == (
        Decimal("-1.4"),
        Decimal("-0.28"),
    )
    [final, *_] = invoices_of(life)
    void(life, final)
    assert books(shop) == {"Liabilities:PrepaidCredit": -1, "Assets:Cash:ByHand": 1}


def of(stands: dict[str, Decimal], begin: str) -> Decimal:
    return sum((amount for name, amount in stands.items() if name.startswith(begin)), Decimal(0))
