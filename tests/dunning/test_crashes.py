"""No crash between a row, the gateway and the books charges twice, or forgets a charge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from services.payments import recording
from tests.dunning.gateway import Answer
from tests.dunning.work import Work
from tests.services.shop import NOW

FEBRUARY = datetime(2025, 2, 1, 1, tzinfo=UTC)


CRASHES = [(number, when) for number in range(1, 6) for when in ("before", "after")]


@pytest.mark.parametrize("dies_at", CRASHES, ids=lambda at: f"{at[1]} commit {at[0]}")
@pytest.mark.parametrize("answer", [Answer.PAID, Answer.LOST, Answer.NEVER_ARRIVED])
def test_crash_charges_once(work: Work, dies_at: tuple[int, str], answer: Answer) -> None:
    work.gateway.answers[:] = [answer, Answer.PAID]

    work.live(dies_at)
    for _ in range(4):
        if work.live(None):
            break

    assert work.payments() == ["succeeded"]
    assert len(work.gateway.charges) == 1


def test_every_second_worker_dies(work: Work) -> None:
    """Wherever it happens, what was charged is what the books say."""
    random = Random(19)
    work.gateway.answers[:] = [random.choice([*Answer][:4]) for _ in range(40)]

    for _ in range(60):
        work.live(random.choice(CRASHES) if random.random() < 0.6 else None)

    told = [one.status.value for one in work.gateway.charges.values()]
    assert work.payments() == told


def test_what_was_paid_meanwhile_is_not_charged_after_a_crash(work: Work) -> None:
    """And once nothing can be on its way any more, the try has come to nothing."""
    work.live((4, "after"))
    with work.transactions.for_organization(work.organization_id) as session:
        told = recording.Told(amount=Decimal(7))
        recording.record_by_hand(session, work.organization_id, work.invoice_id, told, now=NOW)

    assert not work.live(None)
    assert work.payments() == ["pending", "succeeded"]
    work.now = NOW + timedelta(hours=2)
    assert work.live(None)
    assert work.payments() == ["failed", "succeeded"]
    assert work.gateway.charges == {}
