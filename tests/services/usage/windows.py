"""Facts and windows that hypothesis draws, and what is asked of a meter in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from billing.identifiers import ChargeId, MeterId
from billing.metering.aggregations import Aggregation, Measurement
from billing.money import exactly
from billing.periods import Period
from billing.rating.quantities import UsageWindow
from models.base import new_id
from models.catalog.meters import Meter
from services.customers import CreateCustomer, CustomerDetails, create_customer
from tests.services.shop import Shop
from tests.services.usage_facts import Fact

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
CARRYING = (Aggregation.LAST, Aggregation.MAX, Aggregation.WEIGHTED_SUM)
CASES = [(one, False) for one in Aggregation] + [(one, True) for one in CARRYING]

# Boundary instants come up often: whole hours, the microsecond before, and equal ones.
moments = st.one_of(
    st.integers(-48, 48).map(lambda hours: timedelta(hours=hours)),
    st.integers(-48, 48).map(lambda hours: timedelta(hours=hours, microseconds=-1)),
    st.integers(-48 * 3600 * 10**6, 48 * 3600 * 10**6).map(lambda n: timedelta(microseconds=n)),
).map(lambda offset: MIDNIGHT + offset)
values = st.one_of(
    st.integers(1, 5).map(Decimal),
    st.decimals("0.00000000000000000001", "999999999999999999", places=20),
    st.decimals("0.01", "1000", places=2),
)
facts = st.builds(
    Fact,
    at=moments,
    value=values,
    distinct_value=st.sampled_from(["user_a", "user_b", "7", "ü" * 300]),
    counted=st.sampled_from([True, True, True, False]),
    paused=st.sampled_from([False, False, False, True]),
    correction=st.one_of(st.none(), st.none(), st.none(), st.just("void"), values),
)


def add_customer(shop: Shop) -> UUID:
    """A customer without a subscription."""
    command = CreateCustomer(details=CustomerDetails(name="Harbor Labs"))
    return shop.do(create_customer, command).id


def window(meter: Meter, starts_at: datetime, ends_at: datetime) -> UsageWindow:
    """A span whose usage is asked for."""
    return UsageWindow(
        charge_id=ChargeId(new_id()),
        meter_id=MeterId(meter.id),
        starts_at=starts_at,
        ends_at=ends_at,
    )


def period_of(one: UsageWindow) -> Period:
    """The span of a window."""
    return Period(starts_at=one.starts_at, ends_at=one.ends_at)


@exactly
def total(measurements: Sequence[Measurement]) -> Decimal:
    """What measurements come to."""
    return sum((one.value for one in measurements), Decimal(0))


def carried(meter: Meter, counted: Sequence[Measurement], one: UsageWindow) -> Decimal | None:
    """What a window begins with: what its meter carries on of all before it."""
    if not meter.carry_forward:
        return None
    before = [each for each in counted if each.at < one.starts_at]
    if meter.aggregation_type == Aggregation.WEIGHTED_SUM:
        return total(before)
    newest = max(before, key=lambda each: (each.at, each.sequence), default=None)
    return newest.value if newest else None
