"""What accrues in money, where charges are in own units, is what bills then take."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial

from billing.money import plain_text
from services.credits import balances
from services.rating import accruing, spending
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.own_units.tokens import give_tokens, live_on_tokens
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, findings, give, rows
from tests.services.lives import Life
from tests.services.shop import Shop


def accrued(life: Life, unit: str) -> str:
    """What of the customer's credit in a unit is used and not drawn."""
    read = partial(balances.read_balance, at=None, look_at_accruing=accruing.find_accruing)
    return plain_text(life.shop.do(read, life.row().customer_id, unit).accruing)


def test_what_accrues_is_what_the_bill_draws_in_both_units(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "50", expires_at=FIFTEENTH)
    give_tokens(life, "30")
    give(life, "0.7", expires_at=FIFTEENTH)
    give(life, "0.5")
    use(life, (5, "60"))
    pass_to(life, FIFTEENTH - timedelta(hours=1))
    assert (accrued(life, "TOKENS"), accrued(life, "USD")) == ("80", "0.8")
    use(life, (20, "10"))

    pass_to(life, FEBRUARY)
    drafted = accrued(life, "TOKENS"), accrued(life, "USD")
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    drawn = {"TOKENS": Decimal(0), "USD": Decimal(0)}
    for one in rows(life, final):
        drawn[one.unit or "USD"] += one.amount
    assert {unit: plain_text(one) for unit, one in drawn.items()} == {"TOKENS": "80", "USD": "1.2"}
    assert drafted == ("30", "0.5")
    assert (accrued(life, "TOKENS"), accrued(life, "USD")) == ("0", "0")
    assert findings(life) == []


def test_tokens_that_the_draft_before_takes_are_not_there_for_what_runs(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "100")
    use(life, (5, "40"))
    pass_to(life, FEBRUARY + timedelta(hours=1))
    life.use(FEBRUARY, 20)

    customer_id = life.row().customer_id
    look = partial(spending.list_spent, at=FEBRUARY + timedelta(hours=1))
    [line] = shop.read(look, customer_id)

    assert {unit: plain_text(one) for unit, one in line.amounts.items()} == {
        "TOKENS": "40",
        "USD": "0.4",
    }
