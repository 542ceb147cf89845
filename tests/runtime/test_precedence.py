"""Whoever bills lets those go first who answer requests."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("niceness", "begun_with"), [(10, 0), (10, 15)])
def test_process_stands_back_and_never_comes_forward(niceness: int, begun_with: int) -> None:
    program = (
        f"import os; from runtime.precedence import stand_back; os.nice({begun_with});"
        f" stand_back({niceness}); print(os.getpriority(os.PRIO_PROCESS, 0))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert int(done.stdout) >= max(niceness, begun_with)
