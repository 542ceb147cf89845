"""A stored line is read two ways, and both give the line that was stored."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod
from billing.identifiers import ChargeId
from billing.invoicing.receipts import from_document, to_document
from billing.pricing import TierAmount
from billing.rating.groups import Group, GroupKind
from billing.rating.lines import CalculationStep, CorrectedCharge, LineType, PricedLine
from billing.rating.proration import ProrationBasis, Share
from billing.ratios import quotient
from billing.units import Taxation, Unit
from models.base import new_id
from models.invoicing.invoices import InvoiceLine
from services.documents.contents import shown_line_of
from tests.billing.profiles import supporting

texts = st.text(st.characters(codec="utf-8"), max_size=12)
decimals = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(-(10**15), 10**30),
    st.integers(-3, 30),
)
exact = decimals | st.builds(quotient, decimals, st.integers(1, 97))
instants = st.datetimes(datetime(1900, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (bounds have no zone)
charges = st.uuids().map(ChargeId)
units = st.builds(
    Unit, code=st.just("TOKENS"), scale=st.integers(0, 12), taxation=st.sampled_from(Taxation)
)
tiers = st.builds(
    TierAmount,
    starts_from=decimals,
    up_to=st.none() | decimals,
    quantity=exact,
    unit_price=decimals,
    flat_fee=exact,
    amount=exact,
    adjustment=st.none() | texts,
)
steps = st.builds(
    CalculationStep, name=texts, inputs=st.dictionaries(texts, texts, max_size=2), output=texts
)
terms = st.builds(
    TermBill,
    commitment=st.builds(
        CommitmentTerms,
        commitment_id=st.uuids(),
        amount=st.integers(1, 10**9).map(Decimal),
        charge_ids=st.lists(charges, max_size=2).map(tuple),
    ),
    periods=st.lists(st.builds(TermPeriod, period_index=st.integers(0, 9)), max_size=2).map(tuple),
    own_index=st.none() | st.integers(0, 9),
    said=decimals,
)
lines = st.builds(
    PricedLine,
    type=st.sampled_from(LineType),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    name=texts,
    description=texts,
    quantity=exact,
    exact_amount=exact,
    starts_at=st.none() | instants,
    ends_at=st.none() | instants,
    charge_id=st.none() | charges,
    model=st.none() | texts,
    unit=st.none() | texts,
    unit_amount=st.none() | decimals,
    event_count=st.none() | st.integers(0, 10**12),
    usage_quantity=st.none() | exact,
    included_quantity=st.none() | exact,
    limit_exceeded=st.booleans(),
    over_limit_quantity=st.none() | exact,
    share=st.none()
    | st.builds(
        Share,
        covered=st.integers(0, 5),
        total=st.integers(5, 9),
        basis=st.sampled_from(ProrationBasis),
    ),
    is_taxable=st.booleans(),
    tiers=st.lists(tiers, max_size=2).map(tuple),
    steps=st.lists(steps, max_size=2).map(tuple),
    corrections=st.lists(
        st.builds(
            CorrectedCharge, period_index=st.integers(0, 9), charge_id=charges, amount=decimals
        ),
        max_size=2,
    ).map(tuple),
    group=st.none()
    | st.builds(
        Group,
        properties=st.just(("model",)),
        kind=st.sampled_from(GroupKind),
        values=st.lists(texts, max_size=2).map(tuple),
    ),
    priced_in=st.none() | units,
    overage_rate=st.none() | decimals,
    paid_in_unit=decimals,
    cost_share=decimals,
    true_up=st.none() | terms,
)


def stored(document: Any) -> InvoiceLine:
    """A row of which nothing else is looked at."""
    return InvoiceLine(
        organization_id=new_id(), invoice_id=new_id(), position=0, calculation=document
    )


@supporting
@given(line=lines)
def test_line_is_shown_as_it_was_stored(line: PricedLine) -> None:
    document = to_document(line)
    assert isinstance(document, dict)

    shown = shown_line_of(stored(document))

    assert shown == from_document(PricedLine, document | {"steps": ()})
    assert repr(shown) == repr(from_document(PricedLine, document | {"steps": ()}))


@supporting
@given(line=lines)
def test_what_a_line_does_not_say_is_as_by_default(line: PricedLine) -> None:
    document = to_document(line)
    assert isinstance(document, dict)
    said = {key: value for key, value in document.items() if value is not None}

    assert shown_line_of(stored(said)) == from_document(PricedLine, said | {"steps": ()})
