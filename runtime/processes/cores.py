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
    """Two for every three cores, rounded up: so much of a bill is Python, which has a core each.

    The rest is the work of Temporal's server and the database. Source: docs/decisions/0039.
    """
    return min(-(-2 * available_cores() // 3), MOST_PROCESSES)
