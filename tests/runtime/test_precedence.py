"""Whoever bills lets those go first who answer requests."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sqlalchemy import text

from runtime.database import create_application_engine
from runtime.precedence import BILLING_NICENESS


def niceness_of_server_process(url: str, niceness: int) -> int:
    """How far the server process of a new connection stands back."""
    engine = create_application_engine(url, niceness=niceness)
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        found = os.getpriority(os.PRIO_PROCESS, pid)
    engine.dispose()
    return found


def test_server_process_of_whoever_bills_stands_back_too(module_database_url: str) -> None:
    usual = niceness_of_server_process(module_database_url, 0)

    of_bills = niceness_of_server_process(module_database_url, BILLING_NICENESS)

    assert of_bills == max(usual, BILLING_NICENESS)


@pytest.mark.parametrize(("niceness", "begun_with"), [(10, 0), (10, 15)])
def test_process_stands_back_and_never_comes_forward(niceness: int, begun_with: int) -> None:
    program = (
        f"import os; from runtime.precedence import stand_back; os.nice({begun_with});"
        f" stand_back({niceness}); print(os.getpriority(os.PRIO_PROCESS, 0))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert int(done.stdout) >= max(niceness, begun_with)
