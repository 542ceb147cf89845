"""How many processes the processors are good for."""

from __future__ import annotations

from typing import Final

from runtime.processes.machine import available_cores

MOST_PROCESSES: Final = 4
"""By default: each opens about twenty connections to the database when it is busy."""


def default_api_processes() -> int:
    """One for each core: a process answers on one of them."""
    return min(available_cores(), MOST_PROCESSES)


def default_worker_processes() -> int:
    """One for every two cores: the rest of a bill is the work of Temporal and the database."""
    return min((available_cores() + 1) // 2, MOST_PROCESSES)
