"""What each price model makes of the quantities that the documentation works through."""

from __future__ import annotations

import pytest

from billing.pricing import Flat, Price
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume
from tests.billing.builders import DOCUMENTED_TIERS, d, tiers
from tests.billing.pricing.test_models import amount


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("0", "0"), ("1000", "2"), ("1000.5", "2.0005"), ("10000", "11"), ("12000", "12"),
     ("15000", "13.5"), ("82450", "47.225")],
)  # fmt: skip
def test_documented_tiers(quantity: str, expected: str) -> None:
    assert amount(DOCUMENTED_TIERS, d(quantity)) == d(expected)


def test_breakdown_of_the_documented_tiers() -> None:
    rows = DOCUMENTED_TIERS.price(d(15000)).tiers

    assert [(r.starts_from, r.up_to, r.quantity, r.unit_price, r.amount) for r in rows] == [
        (d(0), d(1000), d(1000), d("0.002"), d(2)),
        (d(1000), d(10000), d(9000), d("0.001"), d(9)),
        (d(10000), None, d(5000), d("0.0005"), d("2.5")),
    ]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("0", "1"), ("10", "11"), ("10.001", "13.002"), ("20", "33"), ("21", "33")],
)
def test_flat_fees_are_due_once_any_part_of_a_unit_falls_into_a_tier(
    quantity: str, expected: str
) -> None:
    table = Graduated(tiers=tiers(("10", "1", "1"), ("20", "2", "2"), (None, "0", "0")))

    assert amount(table, d(quantity)) == d(expected)


@pytest.mark.parametrize(
    ("quantity", "volume", "stairstep"),
    [("0", "3", "3"), ("10", "13", "3"), ("10.5", "12.25", "7"), ("100", "57", "7")],
)
def test_volume_and_stairstep_use_the_one_tier_that_holds_the_quantity(
    quantity: str, volume: str, stairstep: str
) -> None:
    priced = tiers(("10", "1", "3"), (None, "0.5", "7"))
    fees = tiers(("10", "0", "3"), (None, "0", "7"))

    (row,) = Volume(tiers=priced).price(d(quantity)).tiers
    (stair,) = Stairstep(tiers=fees).price(d(quantity)).tiers

    assert row.amount == amount(Volume(tiers=priced), d(quantity)) == d(volume)
    assert stair.amount == amount(Stairstep(tiers=fees), d(quantity)) == d(stairstep)
    expected = (d(0), d(10)) if d(quantity) <= 10 else (d(10), None)
    assert (row.starts_from, row.up_to) == (stair.starts_from, stair.up_to) == expected
    assert row.quantity == stair.quantity == d(quantity)


@pytest.mark.parametrize(
    ("quantity", "starts_from"), [("0", "0"), ("100", "0"), ("101", "100"), ("250", "200")]
)
def test_rows_of_volume_and_stairstep_start_where_the_tier_before_ends(
    quantity: str, starts_from: str
) -> None:
    fees = tiers(("100", "0", "3"), ("200", "0", "5"), (None, "0", "7"))

    for model in (Volume(tiers=fees), Stairstep(tiers=fees)):
        (row,) = model.price(d(quantity)).tiers
        assert row.starts_from == d(starts_from)


@pytest.mark.parametrize(
    ("quantity", "packages"), [("0", 0), ("0.1", 1), ("100", 1), ("100.01", 2), ("250", 3)]
)
def test_a_package_begun_is_due(quantity: str, packages: int) -> None:
    package = Package(package_size=d(100), unit_price=d(5))

    assert package.count_packages(d(quantity)) == packages
    assert amount(package, d(quantity)) == 5 * packages


def test_percentage_takes_its_fee_once_per_event() -> None:
    assert amount(Percentage(rate=d("0.029"), fixed_fee=d("0.30")), d(1000), 12) == d("32.60")


def test_flat_costs_the_same_whatever_was_used() -> None:
    assert Flat(amount=d(30)).price(d(7), 9) == Price(amount=d(30))
    assert Flat(amount=d(30)).document() == {"model": "flat", "amount": d(30)}
