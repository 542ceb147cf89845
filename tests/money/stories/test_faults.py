"""Faults that somebody might make in the product are noticed by a story of the model of money.

Each row takes one rule away and names the story that then comes out wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from billing.identifiers import ChargeId
from billing.invoicing.corrections import (
    BilledCharge,
    BilledPeriod,
    PeriodCorrection,
    correct_period,
)
from billing.money import ZERO
from models.invoicing.invoices import Invoice
from repositories.ingestion import late_marks
from repositories.invoicing import corrections, forgiven
from repositories.transactions import Transactions
from services import customer_accounts
from services.corrections import credit_notes, late_usage, marks, said
from services.invoicing import composition, updating
from tests.money.arrivals import WayIn
from tests.money.stories.forgiveness import STORIES_OF_FORGIVENESS
from tests.money.stories.seams import STORIES
from tests.money.stories.test_stories import EVERY_STORY, tell

Plant = Callable[[pytest.MonkeyPatch], None]


def ignore_the_cap(planted: pytest.MonkeyPatch) -> None:
    def uncapped(
        period_index: int,
        wanted: Mapping[ChargeId, Any],
        charges: Iterable[BilledCharge],
        as_one: BilledPeriod | None,
    ) -> PeriodCorrection:
        forgotten = [replace(one, given_back=ZERO) for one in charges]
        return correct_period(period_index, wanted, forgotten, as_one)

    planted.setattr(late_usage, "correct_period", uncapped)


def mark_nothing_again(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(marks, "mark_again", _nothing)


def keep_granted_credit(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(customer_accounts, "return_granted", _nothing)


def grant_credit_twice(planted: pytest.MonkeyPatch) -> None:
    original = customer_accounts.post_final_invoice

    def post_carried(session: Any, invoice: Invoice, **instants: Any) -> None:
        granted, invoice.granted_credit = invoice.granted_credit, ZERO
        original(session, invoice, **instants)
        invoice.granted_credit = granted

    planted.setattr(customer_accounts, "post_final_invoice", post_carried)


def mark_the_event_alone(planted: pytest.MonkeyPatch) -> None:
    own = "candidate.starts_at <= candidate.at AND candidate.at < candidate.ends_at"
    statement = late_marks._MARK_CHANGED.replace(
        "period.starts_at,", "period.starts_at, period.ends_at,", 1
    )
    before, own_period, rest = statement.partition(" WHERE candidate.regular_starts_at <=")
    _, end, after = rest.partition(" ), marked AS (")
    assert own_period
    assert end
    planted.setattr(late_marks, "_MARK_CHANGED", f"{before} WHERE {own}{end}{after}")


def count_drafts(planted: pytest.MonkeyPatch) -> None:
    counting = str(corrections.SAID).replace("NOT IN ('DRAFT', 'VOID')", "<> 'VOID'")
    planted.setattr(corrections, "SAID", text(counting))


def settle_without_a_word(planted: pytest.MonkeyPatch) -> None:
    original = late_usage.late_lines

    def silent(*args: Any, **options: Any) -> Any:
        return [replace(one, lines=()) for one in original(*args, **options)]

    planted.setattr(composition, "late_lines", silent)


def settle_no_mark(planted: pytest.MonkeyPatch) -> None:
    """Harmless by itself: what is said already is not said again."""
    planted.setattr(updating, "settle", _nothing)


def forget_what_was_forgiven(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(forgiven, "insert_forgiven", _nothing)


def forget_what_people_wrote(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(said, "BilledPeriod", lambda **of: BilledPeriod(**(of | {"at_least": None})))


def write_every_note(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(credit_notes, "find_repeated", _nothing)


FAULTS: dict[Plant, str] = {
    forget_what_people_wrote: "rewritten month whose usage is voided",
    write_every_note: "same note twice at once",
    ignore_the_cap: "note by hand before a correction",
    mark_nothing_again: "late line of an invoice that is void",
    keep_granted_credit: "credit that a void invoice had taken",
    grant_credit_twice: "credit of one subscription pays for the next",
    mark_the_event_alone: "level that is carried",
    count_drafts: "late usage of a subscription that ends",
    settle_without_a_word: "level that is carried",
    forget_what_was_forgiven: "late line that is forgiven, and more usage",
}


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_planted_fault_is_noticed(
    plant: Plant, transactions: Transactions, way_in: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)

    with pytest.raises(AssertionError, match=r"owed are|== Decimal"):
        tell(EVERY_STORY[FAULTS[plant]], transactions, way_in)


def test_marks_that_stay_do_no_harm(
    transactions: Transactions, way_in: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle_no_mark(monkeypatch)

    for name in STORIES | STORIES_OF_FORGIVENESS:
        tell(EVERY_STORY[name], transactions, way_in, by_end=True)


def _nothing(*_args: Any, **_options: Any) -> None:
    return None
