"""What pictures say is what the product computes of the same facts."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest

from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod
from billing.credits.cuts import Segment
from billing.credits.drawing import DrawableLine, Lot, draw
from billing.credits.grants import GrantKind
from billing.notifications.schedule import RETRY_AFTER
from billing.payments.dunning import REMINDER_DAYS, AfterRetries, Dunning
from models.accounts.organizations import Organization
from tests.billing.builders import USD
from tests.billing.credits.lots import START, grant
from tests.billing.invoicing.test_worked_examples import check_aggregation
from tests.billing.markdown_tables import Row
from tests.billing.rating.worked_examples import check_limits, check_price
from tests.docs.diagrams.drawings import drawings, facts, numbers, read, words_of
from tests.docs.pages import DOCS

PRICED = [one.stem for one in drawings() if "data-pricing" in one.read_text()]


def row(name: str, cells: dict[str, str], json_above: str | None = None) -> Row:
    return Row(check=name, place=name, cells=cells, json_above=json_above)


def day(told: str) -> timedelta:
    """How far a day of the month is from its first."""
    return timedelta(days=int(told) - 1)


@pytest.mark.parametrize("name", PRICED)
def test_prices_are_what_the_models_make_of_the_quantities(name: str) -> None:
    for group in read(name).iter():
        for point in facts(group, "quantity", "amount") if group.get("data-pricing") else ():
            check_price(row(name, point, group.get("data-pricing")))
            shown = f"{Decimal(point['amount']):,}".removesuffix(".0")
            assert any(shown in words for words in words_of(read(name))), shown


def test_aggregations_are_of_the_events_that_are_drawn() -> None:
    drawing = read("aggregation-window")
    events = " ".join(f"{one['at']}={one['value']}" for one in facts(drawing, "at"))

    for told in facts(drawing, "aggregation"):
        cells = {**told, "carried": "", "events": events}
        check_aggregation(row("aggregation", cells))
        assert {told["aggregation"], told["usage"]} <= set(words_of(drawing))


def test_included_and_billed_units_are_those_of_the_limit() -> None:
    drawing = read("included-and-limit")

    for told in facts(drawing, "usage", "included"):
        over = max(0, int(told["usage"]) - int(told["usage-limit"]))
        cells = {
            **told,
            "included_units": told.get("included-units", ""),
            "usage_limit": told["usage-limit"],
            "limit": "hard",
            "over_limit": told["over-limit"],
            "measured": told["usage"],
            "amount": str(Decimal(told["billed"]) / 1000),
            "over the limit": str(over),
        }
        check_limits(row("limits", cells))


def test_invoices_of_a_period_bill_what_it_comes_to_less_what_was_billed() -> None:
    drawing = read("threshold-billing")
    reached, billed = numbers(drawing, "amount"), numbers(drawing, "total")

    rises = [now - before for before, now in pairwise(reached)]
    assert billed == [reached[0], *rises]
    assert [told["invoice"] for told in facts(drawing, "invoice")] == [
        "threshold",
        "threshold",
        "period",
    ]


def test_true_ups_are_what_the_terms_come_to() -> None:
    drawing = read("commitment")

    for told in facts(drawing, "committed"):
        terms = CommitmentTerms(
            commitment_id=UUID(int=9),
            amount=Decimal(told["committed"]),
            term_periods=1,
            overage_factor=Decimal(told["factor"]),
        )
        covered = TermPeriod(period_index=0, covered=int(told["covered"]), total=int(told["total"]))
        bill = TermBill(
            commitment=terms, periods=(covered,), own_index=0, own=Decimal(told["spent"])
        )
        assert USD.round(bill.owed) == Decimal(told["owed"])


def test_each_part_of_a_line_is_paid_by_credit_of_its_time() -> None:
    drawing = read("credit-by-use")
    grants = {
        told["grant"]: grant(
            amount=Decimal(told["amount"]),
            kind=GrantKind(told["grant"]),
            effective_at=START + day(told["begins"]),
            expires_at=START + day(told["ends"]) if "ends" in told else None,
        )
        for told in facts(drawing, "grant", "amount")
    }
    segments = tuple(
        Segment(used_at=START + day(told["on"]), amount=Decimal(told["used"]))
        for told in facts(drawing, "used")
    )

    line = DrawableLine(position=0, segments=segments)
    drawing_of = draw([line], [Lot(grant=one, rest=one.amount) for one in grants.values()])

    names = {one.grant_id: name for name, one in grants.items()}
    paid = [(names[one.grant_id], one.amount) for one in drawing_of.draws]
    assert paid == [(told["grant"], Decimal(told["pays"])) for told in facts(drawing, "pays")]
    used = sum(one.amount for one in segments)
    assert numbers(drawing, "due") == [used - sum(amount for _, amount in paid)]


def test_corrections_add_up_to_what_is_billed() -> None:
    drawing = read("corrections")
    changes = numbers(drawing, "change")

    assert numbers(drawing, "billed") == [sum(changes[: at + 1]) for at in range(len(changes))]
    given = -changes[1]
    for wanted, billed in zip(
        numbers(drawing, "wanted")[2:], numbers(drawing, "billed")[2:], strict=True
    ):
        assert billed == max(wanted - given, 0)


def test_tries_and_reminders_are_those_of_the_defaults() -> None:
    drawing = read("dunning")
    words = " ".join(words_of(drawing))

    assert numbers(drawing, "retry") == list(Dunning().retry_days)
    assert numbers(drawing, "reminder") == list(REMINDER_DAYS)
    assert f"due: day {Organization.model_fields['payment_terms_days'].default}" in words
    assert f"then: {' · '.join(AfterRetries)}" in words


def test_deliveries_wait_as_long_as_is_drawn() -> None:
    drawing = read("webhook-delivery")

    assert [timedelta(seconds=int(one)) for one in numbers(drawing, "wait")] == list(RETRY_AFTER)
    assert str(sum(RETRY_AFTER, timedelta())) == "7:12:30"
    assert "7 h 12 min 30 s" in words_of(drawing)


def test_a_price_that_is_added_is_added_from_the_next_version_on() -> None:
    by_version = {one["version"]: one["amount"] for one in facts(read("plan-edit"), "version")}
    pairs = {(one["version"], one["amount"]) for one in facts(read("plan-edit"), "version")}

    assert pairs == set(by_version.items())
    assert int(by_version["4"]) - int(by_version["3"]) == 99


def test_constraints_of_the_way_are_those_of_the_numbered_sections() -> None:
    page = (DOCS / "concepts" / "double-billing.md").read_text()
    sections = dict(re.findall(r"^## (\d+)\. (.*?)(?=^## )", page, re.MULTILINE | re.DOTALL))
    drawing = read("billed-once")
    constraints = [told["constraint"] for told in facts(drawing, "constraint")]
    places = [told["place"] for told in facts(drawing, "place")]

    assert len(constraints) == len(set(constraints)) == len(sections)
    assert {words for words in words_of(drawing) if words.isdigit()} == sections.keys()
    for place, constraint in zip(places, constraints, strict=False):
        assert f"`{constraint}`" in sections[place]
    for constraint in constraints[len(places) :]:
        assert f"`{constraint}`" in sections["9"] + sections["10"]
