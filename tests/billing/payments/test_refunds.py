"""What a refund is taken from."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import Conflict
from billing.payments.refunds import RefundSplit, split_refund
from tests.billing.builders import d
from tests.billing.profiles import supporting


def refund(
    wanted: str,
    *,
    paid: str = "120",
    applied: str = "100",
    refunded: str = "0",
    credit: str = "20",
    noted: str = "0",
) -> RefundSplit:
    return split_refund(
        d(wanted),
        paid=d(paid),
        applied=d(applied),
        refunded=d(refunded),
        credit=d(credit),
        noted=d(noted),
    )


@pytest.mark.parametrize(
    ("split", "credit", "invoice", "notes"),
    [
        (refund("30"), "20", "10", "0"),
        (refund("20"), "20", "0", "0"),
        (refund("0.01"), "0.01", "0", "0"),
        (refund("120"), "20", "100", "0"),
        (refund("100", credit="0"), "0", "100", "0"),
        (refund("5", credit="500"), "5", "0", "0"),
        (refund("30", refunded="20", credit="0"), "0", "30", "0"),
        (refund("30", paid="100", credit="7", noted="25"), "0", "30", "25"),
        (refund("30", paid="100", credit="7", noted="40"), "0", "30", "30"),
        (refund("10", noted="40"), "10", "0", "0"),
    ],
)
def test_what_was_too_much_goes_back_first(
    split: RefundSplit, credit: str, invoice: str, notes: str
) -> None:
    assert split == RefundSplit(
        from_credit=d(credit), from_invoice=d(invoice), against_notes=d(notes)
    )


@pytest.mark.parametrize(
    ("wanted", "refunded", "left"),
    [("120.01", "0", "120"), ("0", "0", "120"), ("-1", "0", "120"), ("100.01", "20", "100")],
)
def test_no_more_goes_back_than_came(wanted: str, refunded: str, left: str) -> None:
    with pytest.raises(Conflict) as refused:
        refund(wanted, refunded=refunded)

    assert refused.value.code == "refund_exceeds_payment"
    assert refused.value.detail == f"{left} of the payment is left to refund."


def test_credit_that_later_invoices_took_does_not_go_back() -> None:
    assert refund("100", credit="0").from_invoice == 100
    with pytest.raises(Conflict) as refused:
        refund("105.01", credit="5")

    assert refused.value.code == "credit_spent"
    assert refused.value.detail == (
        "105 can be refunded: the rest was the customer's credit, and later invoices took it."
    )


def test_what_is_called_back_after_it_was_refunded_is_owed() -> None:
    called_back = split_refund(
        d("120"),
        paid=d("120"),
        applied=d("90"),
        refunded=d("30"),
        credit=d("500"),
        noted=d("0"),
        has_gone=True,
    )

    assert called_back == RefundSplit(
        from_credit=d("0"),
        from_invoice=d("90"),
        against_notes=d("0"),
        owed=d("30"),
        excess=d("30"),
    )


cents = st.integers(0, 10**6).map(lambda one: Decimal(one).scaleb(-2))


@supporting
@given(wanted=cents, applied=cents, surplus=cents, credit=cents, noted=cents)
def test_a_refund_is_taken_from_what_there_is_and_from_nothing_twice(
    wanted: Decimal, applied: Decimal, surplus: Decimal, credit: Decimal, noted: Decimal
) -> None:
    split_of = partial(
        split_refund, paid=applied + surplus, applied=applied, credit=credit, noted=noted
    )
    most = applied + min(surplus, credit)
    if not 0 < wanted <= most:
        with pytest.raises(Conflict):
            split_of(wanted, refunded=d(0))
        if wanted > 0:
            gone = split_of(wanted, refunded=d(0), has_gone=True)
            # All that is there is taken first; what the payment never had is owed as well.
            assert gone.owed == wanted - most > 0
            assert gone.excess == max(wanted - applied - surplus, 0)
        return

    split = split_of(wanted, refunded=d(0), has_gone=bool(noted))

    assert (split.from_credit + split.from_invoice, split.owed) == (wanted, 0)
    assert 0 <= split.from_credit <= min(surplus, credit)
    assert 0 <= split.against_notes <= split.from_invoice <= applied
    assert split.from_invoice == 0 or split.from_credit == min(surplus, credit)
