"""What operators see of the hourly check: what it found, when, and that it was done at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from repositories.operations.checks import COVERAGE, RECOMPUTED, CheckOutcome, write_check
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.operations.checks import Round, keep_round
from services.operations.findings import FindingKind
from services.operations.invariants import (
    RECOMPUTES,
    RULES,
    STALE_AFTER,
    Invariant,
    Standing,
    report_invariants,
    worst,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = create_application_engine(database_url)
    with Transactions(engine).for_organizations([]) as session:
        yield session
    engine.dispose()


def keep(session: Session, at: datetime = NOW, **values: object) -> None:
    keep_round(session, Round(**values), now=at)  # type: ignore[arg-type]  # by name


def named(session: Session, at: datetime = NOW) -> Mapping[str, Invariant]:
    return {one.name: one for one in report_invariants(session, now=at)}


def test_every_kind_of_finding_breaks_exactly_one_invariant() -> None:
    counted = Counter(kind for rule in RULES for kind in rule.broken_by)

    assert counted == dict.fromkeys(FindingKind, 1)


def test_nobody_knows_before_the_first_round(session: Session) -> None:
    found = named(session)

    assert {one.standing for one in found.values()} == {Standing.UNKNOWN}
    assert {one.checked_at for one in found.values()} == {None}
    assert len(found) == len(RULES) + 1


def test_all_holds_after_a_round_that_found_nothing(session: Session) -> None:
    keep(session, subscriptions=7, recomputed=100)

    found = named(session)

    assert {one.standing for one in found.values()} == {Standing.HOLDS}
    assert found["periods_tile"].examined == 7
    assert found[RECOMPUTES].examined == 100
    assert {one.checked_at for one in found.values()} == {NOW}


def test_finding_breaks_its_invariant_and_no_other(session: Session) -> None:
    keep(session, findings=Counter({"gap": 2, "receipt_missing": 1}))

    broken = {name: one.findings for name, one in named(session).items() if one.findings}

    assert broken == {"periods_tile": {"gap": 2}, "receipts_chain": {"receipt_missing": 1}}
    assert worst(report_invariants(session, now=NOW)) is Standing.BROKEN


def test_what_was_mended_holds_after_the_next_round(session: Session) -> None:
    keep(session, findings=Counter({"gap": 2}))
    keep(session, at=NOW + timedelta(hours=1))

    assert worst(report_invariants(session, now=NOW + timedelta(hours=1))) is Standing.HOLDS


def test_two_missed_rounds_are_nobody_looking(session: Session) -> None:
    keep(session)

    assert named(session, NOW + STALE_AFTER)["periods_tile"].standing is Standing.UNKNOWN
    earlier = NOW + STALE_AFTER - timedelta(seconds=1)
    assert named(session, earlier)["periods_tile"].standing is Standing.HOLDS


def test_what_was_broken_stays_so_while_nobody_looks(session: Session) -> None:
    keep(session, findings=Counter({"gap": 1}))

    assert named(session, NOW + timedelta(days=3))["periods_tile"].standing is Standing.BROKEN


def test_round_that_could_not_look_at_somebody_proves_nothing(session: Session) -> None:
    keep(session, unchecked=1)

    assert named(session)["books_balance"].standing is Standing.UNKNOWN


def test_invoices_computed_again_add_up_within_a_day(session: Session) -> None:
    keep(session, at=MIDNIGHT, recomputed=40)
    keep(session, at=NOW, recomputed=30, flaws=Counter({"plan_changed": 1}))

    found = named(session)[RECOMPUTES]

    assert (found.examined, found.findings) == (70, {"plan_changed": 1})
    assert found.standing is Standing.BROKEN


def test_next_day_counts_from_nothing(session: Session) -> None:
    keep(session, at=NOW, recomputed=30, flaws=Counter({"plan_changed": 1}))
    tomorrow = MIDNIGHT + timedelta(days=1)
    assert named(session, tomorrow)[RECOMPUTES].examined == 0

    keep(session, at=tomorrow, recomputed=5)

    found = named(session, tomorrow)[RECOMPUTES]
    assert (found.examined, found.standing) == (5, Standing.HOLDS)


def test_checks_are_kept_apart(session: Session) -> None:
    outcome = CheckOutcome(name=RECOMPUTED, examined=3, findings={})
    write_check(session, outcome, begins_at=MIDNIGHT, now=NOW)

    assert named(session)[RECOMPUTES].standing is Standing.HOLDS
    assert named(session)["books_balance"].standing is Standing.UNKNOWN
    assert COVERAGE != RECOMPUTED
