"""Whatever is used, voided and looked at: all invoices of a period come to what one would have.

*Source: CREDITS 24.*
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.invoices import Invoice
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.usage import corrections
from tests.billing.profiles import PROFILE
from tests.services.invoicing.bills import FEBRUARY, pass_to
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, void
from tests.services.invoicing.threshold.stepped import begin_stepped, billed, look, require_sound
from tests.services.lives import Life
from tests.services.shop import open_shop

EXAMPLES: Final = {"quick": 3, "default": 12, "gate": 60, "deep": 1_500}


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """A charge, and what a child with a pencil makes of it: tenths of a cent for each unit."""

    charge: Mapping[str, Any]
    rates: tuple[tuple[int | None, Fraction], ...]
    included: int = 0
    minimum: int = 0
    maximum: int | None = None
    is_volume: bool = False

    def price(self, quantity: int) -> int:
        """What so many units cost, in cents; nothing of a minimum."""
        left = max(0, quantity - self.included)
        total, lower = Fraction(0), 0
        for upper, rate in self.rates:
            here = left if upper is None else min(left, upper)
            if self.is_volume:
                total = left * rate
            else:
                total += (here - lower) * rate
            lower = here
            if here == left:
                break
        if self.maximum is not None:
            total = min(total, Fraction(self.maximum))
        return int(total * 100 + Fraction(1, 2))


def priced(*rates: tuple[int | None, str], model: str) -> dict[str, Any]:
    tiers = [{"up_to": up_to, "unit_price": Decimal(price)} for up_to, price in rates]
    return {"pricing": {"model": model, "tiers": tiers}}


def rates(*found: tuple[int | None, str]) -> tuple[tuple[int | None, Fraction], ...]:
    return tuple((up_to, Fraction(price)) for up_to, price in found)


STEPS: Final = ((7, "1.111"), (19, "0.5"), (None, "0.07"))
FALLING: Final = ((10, "3"), (20, "1.005"), (None, "0.333"))

TARIFFS: Final = {
    "plain": Tariff(charge={"unit_price": Decimal("0.333")}, rates=rates((None, "0.333"))),
    "tiers": Tariff(charge=priced(*STEPS, model="graduated"), rates=rates(*STEPS)),
    "volume": Tariff(
        charge=priced(*FALLING, model="volume"), rates=rates(*FALLING), is_volume=True
    ),
    "included": Tariff(
        charge={"unit_price": Decimal("1.5"), "included_units": Decimal(9)},
        rates=rates((None, "1.5")),
        included=9,
    ),
    "minimum": Tariff(
        charge={"unit_price": Decimal("1.5"), "minimum": Decimal(25)},
        rates=rates((None, "1.5")),
        minimum=2500,
    ),
    "maximum": Tariff(
        charge={"unit_price": Decimal("1.5"), "maximum": Decimal(25)},
        rates=rates((None, "1.5")),
        maximum=25,
    ),
}

STEP = st.one_of(
    st.integers(min_value=1, max_value=14),
    st.sampled_from(["look", "look", "void usage", "void invoice"]),
)


@dataclass
class Child:
    """Who writes down what was used and what was asked for, and never looks at the program."""

    tariff: Tariff
    threshold: int
    used: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def look(self) -> int | None:
        """What is asked for in cents, if it is enough."""
        unasked = self.tariff.price(sum(self.used)) - sum(self.asked)
        if unasked < self.threshold:
            return None
        self.asked.append(unasked)
        return unasked

    def end(self) -> int:
        """What is asked for at the end; below zero is given back."""
        whole = max(self.tariff.price(sum(self.used)), self.tariff.minimum)
        return whole - sum(self.asked)


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """A database for every life."""
    engine = create_application_engine(module_database_url)
    yield Transactions(engine)
    engine.dispose()


@pytest.mark.parametrize("name", TARIFFS)
def test_all_invoices_come_to_what_one_would_have(transactions: Transactions, name: str) -> None:
    tariff = TARIFFS[name]

    @settings(
        max_examples=EXAMPLES[PROFILE] // 3,
        deadline=None,
        derandomize=PROFILE == "default",
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(steps=st.lists(STEP, max_size=10), threshold=st.integers(1, 25))
    def compare(steps: list[int | str], threshold: int) -> None:
        life = begin_stepped(open_shop(transactions), str(threshold), tariff.charge)
        story = Story(life, Child(tariff, threshold * 100))
        for step in steps:
            story.act(step)
        story.end()

    compare()


class Story:
    """The same steps, in the database and on paper."""

    def __init__(self, life: Life, child: Child) -> None:
        self.life = life
        self.child = child
        self.events: list[tuple[UUID, int]] = []
        self.invoices: list[tuple[Invoice, int]] = []

    def act(self, step: int | str) -> None:
        """One step."""
        match step:
            case "look":
                self._look()
            case "void usage" if self.events:
                event_id, quantity = self.events.pop()
                self.life.shop.do(corrections.void_usage, event_id)
                self.child.used.remove(quantity)
            case "void invoice" if self.invoices:
                invoice, amount = self.invoices.pop(0)
                void(self.life, invoice)
                self.child.asked.remove(amount)
            case int():
                event = self.life.use(FIFTEENTH, step)
                self.events.append((event.id, step))
                self.child.used.append(step)
            case _:
                pass

    def _look(self) -> None:
        invoice, amount = look(self.life), self.child.look()
        assert (None if invoice is None else invoice.total * 100) == amount
        if invoice is not None and amount is not None:
            assert invoice.status == InvoiceStatus.OPEN
            self.invoices.append((invoice, amount))

    def end(self) -> None:
        """The period is over: its last bill, and the sum of all."""
        pass_to(self.life, FEBRUARY)
        last = self.life.invoices()[-1]
        assert (last.total - last.carried_credit) * 100 == self.child.end()
        assert billed(self.life) * 100 == sum(self.child.asked) + self.child.end()
        require_sound(self.life)
