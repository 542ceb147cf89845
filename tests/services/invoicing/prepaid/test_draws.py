"""Bills draw on prepaid credit: which grant pays what of which line, and what is left to pay."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial

from repositories.invoicing import invoices as stored_invoices
from services.credits import balances
from services.documents import assembly, text
from services.documents.summary import summarize
from services.invoicing import previews
from services.rating import accruing
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    MINIMUM,
    invoices_of,
    mark_changed,
    pass_to,
    use,
)
from tests.services.invoicing.prepaid.drawn import (
    FIFTEENTH,
    amounts,
    drawn,
    findings,
    give,
    movements,
)
from tests.services.lives import begin_life
from tests.services.shop import Shop


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


def test_a_draft_whose_draws_come_out_again_is_not_written_anew(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "30")
    use(life, (5, "80"))
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    drafted = [one.id for one in shop.read(stored_invoices.list_lines, [draft.id])]

    pass_to(life, GRACE_OVER)

    final = [one.id for one in shop.read(stored_invoices.list_lines, [draft.id])]
    assert final == drafted
    assert findings(life) == []


def test_a_draft_is_written_anew_where_a_grant_came_in_its_grace(shop: Shop) -> None:
    life = begin_life(shop)
    use(life, (5, "80"))
    give(life, "30")
    pass_to(life, FEBRUARY)
    more = give(life, "20", priority=1)

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert amounts(final) == ["80", "50", "30", "30"]
    assert drawn(life, final)[0] == (more, 0, "20")
    assert findings(life) == []


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


def test_what_a_minimum_adds_accrues_once_its_period_is_over(shop: Shop) -> None:
    life = begin_life(shop, charge=MINIMUM)
    give(life, "150")
    use(life, (5, "80"))
    read = partial(balances.read_balance, at=None, look_at_accruing=accruing.find_accruing)

    found = []
    for at in (FIFTEENTH, FEBRUARY, GRACE_OVER):
        pass_to(life, at)
        balance = shop.do(read, life.row().customer_id, "USD")
        found.append((balance.accruing, balance.available))

    assert found == [(80, 70), (100, 50), (0, 50)]


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


def test_draws_are_decided_again_from_what_is_kept(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100", expires_at=FIFTEENTH)
    give(life, "10", at=FIFTEENTH)
    use(life, (5, "50"), (20, "30"))
    pass_to(life, GRACE_OVER)
    assert findings(life) == []
