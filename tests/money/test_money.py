"""Whatever happens, all documents of a customer add up to what is owed, to the cent.

*Source: CONTRACT 48, 81–85, 93, 94.* The model in ``model`` says what is owed; real services on a
real database say what was billed.
"""

from __future__ import annotations

import os
from random import randrange
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.copies import Copier
from tests.money.drawn.machine import Customer
from tests.money.drawn.openings import Openings, draw_openings
from tests.money.drawn.progress import Progress

EXAMPLES: Final = int(os.environ.get("FLUXRATE_MONEY_EXAMPLES", "24"))
SHARDS: Final = 8 if EXAMPLES >= 1_000 else 2
"""Each is a test of its own, so that several processes share a long run."""
IS_SAME: Final = EXAMPLES <= 2_000
"""The suite and the gate try the same lives every time; a longer run looks for others."""
STEPS: Final = 12
PHASES: Final = [Phase.generate] if os.environ.get("FLUXRATE_MONEY_RAW") else list(Phase)
"""Shrinking a life takes minutes; without it the first one that fails is told as it was."""
LIVES_OF_A_BEGINNING: Final = 10
"""So many lives go on from one beginning in a long run, each with a future of its own."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_documents_add_up_to_what_is_owed(
    shard: int,
    transactions: Transactions,
    way_in: WayIn,
    copier: Copier,
    capfd: pytest.CaptureFixture[str],
) -> None:
    lives = -(-EXAMPLES // SHARDS) + shard
    number = shard if IS_SAME else randrange(10**6)
    drawn = draw_openings(max(12, lives // LIVES_OF_A_BEGINNING), number=number)

    @seed(number)
    class TriedCustomer(Customer):
        openings = Openings(transactions=transactions, way_in=way_in, copier=copier, drawn=drawn)
        progress = Progress(name=f"shard {shard}, beginnings {number}", aside=capfd.disabled)

    run_state_machine_as_test(
        TriedCustomer,
        settings=settings(
            max_examples=lives,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=PHASES,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
