"""Whether simulated lives notice a flaw that a test planted."""

from __future__ import annotations

from tests.workflows.activations import TaskFailed
from tests.workflows.simulated.simulator import Simulation

MOST_SEEDS_FOR_A_FLAW = 60


def finds_a_flaw(first: int = 0, most: int = MOST_SEEDS_FOR_A_FLAW, *, step: int = 1) -> bool:
    """Whether any of some lives breaks an invariant."""
    for seed in range(first, first + most, step):
        try:
            Simulation(seed).run()
        except (AssertionError, TaskFailed):
            return True
    return False
