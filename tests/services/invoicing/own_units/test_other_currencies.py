"""Tokens that cost another currency than a bill's pay nothing of it, and hide none that may."""

from __future__ import annotations

from tests.services.invoicing.bills import GRACE_OVER, invoices_of, pass_to, use
from tests.services.invoicing.own_units.test_at_use import live
from tests.services.invoicing.own_units.tokens import in_britain, sell_tokens
from tests.services.invoicing.prepaid.drawn import rows
from tests.services.shop import Shop


def test_tokens_that_cost_another_currency_hide_none_of_the_bills_own(shop: Shop) -> None:
    life = live(shop, has_tax=False)
    in_britain(life)
    sell_tokens(life, "1000", "10", currency="EUR", priority=1)
    own = sell_tokens(life, "1000", "10", currency="USD")
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)

    assert [(one.grant_id, one.amount) for one in rows(life, final)] == [(own, 120)]
