"""Charges priced in a unit of one's own: credit pays in it, and only the rest becomes money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.credits.grants import Scope
from billing.identifiers import MeterId
from billing.rating.terms import Shortfall
from models.invoicing.invoices import Invoice
from repositories.usage.digests import EXPLAINED_LINES
from services.catalog import versions
from services.documents import assembly
from services.documents.einvoice.cii import to_cii
from services.invoicing import manual, payment_status, proofs
from services.invoicing.manual import DraftEdit, ManualLine
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
    lines,
    live_on_tokens,
    moved,
    notes,
    shown,
)
from tests.services.invoicing.prepaid.drawn import (
    FIFTEENTH,
    amounts,
    drawn,
    findings,
    give,
    parts,
    void,
)
from tests.services.lives import Life
from tests.services.receipts_of import with_signer
from tests.services.shop import Shop


def test_tokens_pay_in_tokens_and_the_rest_becomes_money(shop: Shop) -> None:
    life = live_on_tokens(shop)
    grant_id = give_tokens(life, "100")
    use(life, (5, "60.25"))

    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    assert amounts(draft) == ["0.41", "0", "0.41", "0.41"]
    assert moved(life) == [("granted", "100")]
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert (final.status, amounts(final)) == ("OPEN", ["0.41", "0", "0.41", "0.41"])
    assert shown(life, final) == [("120.5", "100", "0.41")]
    assert drawn(life, final) == [(grant_id, 0, "100")]
    assert moved(life) == [("granted", "100"), ("drawn", "-100")]
    assert findings(life) == []
    require_proven(life)


def test_without_credit_all_of_it_is_money(shop: Shop) -> None:
    life = live_on_tokens(shop)
    use(life, (5, "60.25"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert shown(life, final) == [("120.5", "0", "2.41")]
    assert findings(life) == []


def test_where_access_is_blocked_no_rest_is_due(shop: Shop) -> None:
    life = live_on_tokens(shop, rate=None, charge={"shortfall": Shortfall.BLOCK})
    give_tokens(life, "100")
    use(life, (5, "60"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert (final.status, amounts(final)) == ("PAID", ["0", "0", "0", "0"])
    assert shown(life, final) == [("120", "100", "0")]
    assert findings(life) == []


def test_tokens_pay_only_what_was_used_while_they_were_alive(shop: Shop) -> None:
    life = live_on_tokens(shop)
    first = give_tokens(life, "50", expires_at=FIFTEENTH)
    second = give_tokens(life, "50", effective_at=FIFTEENTH)
    use(life, (5, "30"), (20, "10"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert sorted(drawn(life, final)) == sorted([(first, 0, "50"), (second, 0, "20")])
    assert shown(life, final) == [("80", "70", "0.2")]
    assert findings(life) == []


def test_a_bill_that_tokens_paid_whole_may_be_void_and_gives_them_back(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "100")
    use(life, (5, "40"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    assert (final.status, amounts(final)) == ("PAID", ["0", "0", "0", "0"])

    voided = void(life, final)

    assert voided.status == "VOID"
    assert moved(life) == [("granted", "100"), ("drawn", "-80"), ("returned", "80")]
    assert findings(life) == []


def test_a_note_lowers_the_money_that_is_due_before_it_gives_tokens_back(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "100")
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    assert amounts(final) == ["0.4", "0", "0.4", "0.4"]

    assert parts(give_tokens_back(life, final, "15")) == ("0", "0.3", "0")
    assert parts(give_tokens_back(life, final, "20")) == ("0", "0.1", "0")
    assert parts(give_tokens_back(life, final, "85")) == ("0", "0", "0")

    assert moved(life)[2:] == [("returned", "15"), ("returned", "85")]
    assert findings(life) == []


def test_a_note_on_what_tokens_and_money_paid_gives_both_back(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "100")
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    shop.do(payment_status.pay, final.id)

    assert parts(give_tokens_back(life, final, "60")) == ("0", "0.2", "0")
    assert parts(give_tokens_back(life, final, "0.1")) == ("0", "0", "0")
    assert parts(give_tokens_back(life, final, "59.9")) == ("0", "0.2", "0")

    assert moved(life)[2:] == [("returned", "50"), ("returned", "0.1"), ("returned", "49.9")]
    assert findings(life) == []


def test_usage_that_comes_late_is_paid_in_tokens_as_well(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "100")
    use(life, (5, "40"))
    pass_to(life, GRACE_OVER)
    use(life, (6, "30"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))

    pass_to(life, GRACE_OVER + timedelta(days=28))

    [_, final, *_] = invoices_of(life)
    assert shown(life, final) == [("0", "0", "0"), ("60", "20", "0.8")]
    assert amounts(final) == ["0.8", "0", "0.8", "0.8"]
    assert moved(life)[1:] == [("drawn", "-80"), ("drawn", "-20")]
    assert findings(life) == []
    require_proven(life)


def test_usage_that_was_too_much_gives_tokens_back_and_only_the_rest_as_money(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "100")
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)
    [first, *_] = invoices_of(life)
    shop.do(payment_status.pay, first.id)
    use(life, (6, "-30"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))

    pass_to(life, GRACE_OVER + timedelta(days=28))

    [first, second, *_] = invoices_of(life)
    assert moved(life)[1:] == [("drawn", "-100"), ("returned", "50")]
    assert [parts(one) for one in notes(life, first)] == [("0", "0.2", "0")]
    assert shown(life, second) == [("0", "0", "0")]
    assert findings(life) == []


def test_a_note_that_gives_back_tokens_alone_is_a_document(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "100")
    use(life, (5, "40"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    made = give_tokens_back(life, final, "30")

    assert (parts(made), made.returns_units) == (("0", "0", "0"), True)
    document = shop.read(assembly.read_credit_note, made.id)
    assert (document.subtotal, document.total) == (0, 0)
    assert made.number.encode() in to_cii(document)
    assert moved(life)[-1] == ("returned", "30")
    assert findings(life) == []


def test_people_who_rewrite_a_draft_bill_money_and_draw_no_tokens(shop: Shop) -> None:
    life = in_britain(live_on_tokens(shop))
    give_tokens(life, "100")
    use(life, (5, "40"))
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    line = ManualLine(description="Agreed", quantity=Decimal(1), unit_amount=Decimal(3))
    shop.do(manual.edit_draft, draft.id, DraftEdit(lines=(line,)))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert (amounts(final), moved(life)) == (["3", "0", "3", "3"], [("granted", "100")])
    assert findings(life) == []


def late_ten(life: Life) -> Invoice:
    """Five calls come late, at two tokens each; the invoice that says so."""
    pass_to(life, GRACE_OVER)
    use(life, (6, "5"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))
    pass_to(life, GRACE_OVER + timedelta(days=28))
    [_, final, *_] = invoices_of(life)
    return final


def test_tokens_of_a_meter_pay_usage_of_it_that_comes_late(shop: Shop) -> None:
    life = live_on_tokens(shop)
    give_tokens(life, "500", applies_to=Scope(meter_ids=frozenset({MeterId(life.meter_id())})))

    final = late_ten(life)

    assert shown(life, final) == [("0", "0", "0"), ("10", "10", "0")]
    assert moved(life) == [("granted", "500"), ("drawn", "-10")]
    assert findings(life) == []
    require_proven(life)


@pytest.mark.parametrize("of", ["meter", "charge"])
def test_money_of_a_meter_or_charge_pays_the_rest_of_late_tokens(shop: Shop, of: str) -> None:
    life = live_on_tokens(shop)
    [charge, *_] = shop.read(versions.get_terms, life.row().plan_id, None).charges
    scope = {
        "meter": Scope(meter_ids=frozenset({MeterId(life.meter_id())})),
        "charge": Scope(charge_ids=frozenset({charge.charge_id})),
    }
    give(life, "0.15", applies_to=scope[of])

    final = late_ten(life)

    assert shown(life, final) == [("0", "0", "0"), ("10", "0", "0.2")]
    assert amounts(final) == ["0.2", "0.15", "0.05", "0.05"]
    assert findings(life) == []
    require_proven(life)


def test_a_line_explains_when_tokens_were_used_before_what_paid_them(shop: Shop) -> None:
    life = live_on_tokens(with_signer(shop))
    give_tokens(life, "70", expires_at=FIFTEENTH)
    give_tokens(life, "20", effective_at=FIFTEENTH)
    use(life, (5, "50"), (20, "30"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    [line, *_] = lines(life, final)

    steps = proofs.explain(shop.show_one(EXPLAINED_LINES, final.id, line_id=line.id)).steps

    names = [one.name for one in steps]
    used = [(one.output, one.inputs["place"]) for one in steps if one.name == "used"]
    paid = sorted((one.output, one.inputs["unit"]) for one in steps if one.name == "credit")
    assert used == [("100", "in_units"), ("60", "in_units")]
    assert paid == [("20", "TOKENS"), ("70", "TOKENS")]
    assert names[-6:] == ["used", "used", "credit", "credit", "pay_in_unit", "overage"]
