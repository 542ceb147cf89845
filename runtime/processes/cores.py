"""How many processors this process may use, and how many processes they are good for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

MOST_PROCESSES: Final = 4
"""By default: each opens about twenty connections to the database when it is busy."""

GROUPS: Final = Path("/sys/fs/cgroup")


def default_api_processes() -> int:
    """One for each core: a process answers on one of them."""
    return min(available_cores(), MOST_PROCESSES)


def default_worker_processes() -> int:
    """One for every two cores: the rest of a bill is the work of Temporal and the database."""
    return min((available_cores() + 1) // 2, MOST_PROCESSES)


def available_cores(groups: Path = GROUPS) -> int:
    """Those that the process may run on, fewer if its container has a limit; at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, int(_container_limit(groups))))


def _container_limit(groups: Path) -> float:
    """The processors' time that the container's group has in any time, without end if unbounded."""
    with suppress(OSError, ValueError):
        quota, period = (groups / "cpu.max").read_text().split()
        return float(quota) / float(period)
    with suppress(OSError, ValueError):
        quota_of_old = int((groups / "cpu/cpu.cfs_quota_us").read_text())
        if quota_of_old > 0:
            return quota_of_old / int((groups / "cpu/cpu.cfs_period_us").read_text())
    return float(os.cpu_count() or 1)
