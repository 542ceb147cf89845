"""Whatever happens, all documents of a customer add up to what is owed, to the cent.

*Source: CONTRACT 48, 81–85, 93, 94.* The model in ``model.py`` says what is owed; real services on
a real database say what was billed.
"""

from __future__ import annotations

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.machine import Customer

EXAMPLES: Final = int(os.environ.get("FLUXRATE_MONEY_EXAMPLES", "24"))
SHARDS: Final = 8 if EXAMPLES >= 1_000 else 2
"""Each is a test of its own, so that several processes share a long run."""
IS_SHORT: Final = EXAMPLES < 1_000
"""A short run tries the same lives every time; a long one looks for others."""
STEPS: Final = 12
PHASES: Final = [Phase.generate] if os.environ.get("FLUXRATE_MONEY_RAW") else list(Phase)
"""Shrinking a life takes minutes; without it the first one that fails is told as it was."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_documents_add_up_to_what_is_owed(
    shard: int, transactions: Transactions, way_in: WayIn
) -> None:
    class TriedCustomer(Customer):
        def __init__(self) -> None:
            super().__init__(transactions, way_in)

    run_state_machine_as_test(
        TriedCustomer,
        settings=settings(
            max_examples=-(-EXAMPLES // SHARDS) + shard,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=IS_SHORT,
            database=None,
            phases=PHASES,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
