"""What the machine, or the container, has for this process."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

GROUPS: Final = Path("/sys/fs/cgroup")

CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Where the kernel says what a container may use, of its newer and its older kind."""


def memory_bytes() -> int:
    """The memory that there is, or less where a container is allowed less."""
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([has, *filter(None, map(_limit, CONTAINER_LIMITS))])


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def available_cores(groups: Path = GROUPS) -> int:
    """Those that the process may run on, fewer if its container has a limit; at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, int(_processor_limit(groups))))


def _processor_limit(groups: Path) -> float:
    """The processors whose whole time the container may take; all of them if it is not limited."""
    with suppress(OSError, ValueError):
        quota, period = (groups / "cpu.max").read_text().split()
        return float(quota) / float(period)
    with suppress(OSError, ValueError):
        quota_of_old = int((groups / "cpu/cpu.cfs_quota_us").read_text())
        if quota_of_old > 0:
            return quota_of_old / int((groups / "cpu/cpu.cfs_period_us").read_text())
    return float(os.cpu_count() or 1)
