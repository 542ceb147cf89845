"""Whoever bills lets those go first who answer requests."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("niceness", "begun_with"), [(10, 0), (10, 15)])
def test_priority_of_a_process_is_lowered_and_never_raised(niceness: int, begun_with: int) -> None:
    program = (
        f"import os; from runtime.processes.priority import lower_priority; os.nice({begun_with});"
        f" lower_priority({niceness}); print(os.getpriority(os.PRIO_PROCESS, 0))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert int(done.stdout) >= max(niceness, begun_with)
