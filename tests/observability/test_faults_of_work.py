"""Each rule on work that waits or fails fires by its fault, caused for real (``make alerts``)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from runtime.embedded.processes import choose_port
from runtime.measuring.counters import LATE_AFTER
from tests.cli.running import RunningInstance, clean_environment
from tests.observability.breaking import DUE, UNBILLED, lasting, subscribe, wait_for
from tests.observability.watched import (
    Scrape,
    Watched,
    metrics_at,
)
from tests.scenarios.account import Account
from tests.servers import process_url

NOBODY = "127.0.0.1:9"
pytestmark = pytest.mark.skipif(
    "FLUXRATE_ALERTS" not in os.environ, reason="takes minutes: make alerts"
)


def test_periods_that_waited_for_a_worker(
    watched: Watched, account: Account, plan: dict[str, str], healthy: Scrape, tmp_path: Path
) -> None:
    del healthy
    before = watched.scrape()
    with watched.stopped("worker"):
        subscribe(account, plan, "2026-10-01T00:00:00Z")
        time.sleep(LATE_AFTER.total_seconds() + 5)
    wait_for(lambda: watched.scrape().get(UNBILLED) == 0)

    found = watched.fires([before, before, watched.scrape()], after=5, folder=tmp_path)
    assert "FluxratePeriodsClosedLate" in found


def test_cards_that_are_declined(watched: Watched, account: Account, tmp_path: Path) -> None:
    account.post("/connections", {"provider": "sandbox", "name": "Sandbox"})
    for _ in range(5):
        customer = account.create_customer(f"acct_{uuid4()}", billing_address_country="GB")
        line = {"description": "Import", "quantity": 1, "unit_amount": 120}
        bill = {"customer_id": customer["id"], "currency": "USD", "due_date": DUE}
        draft = account.post("/invoices", {**bill, "line_items": [line]})
        invoice = account.post(f"/invoices/{draft['id']}/finalize")
        answer = account.client.post(f"{invoice['payment_link']}/pay", json={"outcome": "failure"})
        assert answer.status_code == 200
    after = watched.until('fluxrate_payments_last_hour{status="failed"}', 5)

    assert "FluxratePaymentsFail" in watched.fires([after], after=6, folder=tmp_path)


def test_installation_whose_worker_never_began(module_database_url: str, tmp_path: Path) -> None:
    port = choose_port()
    address = {"DATABASE_URL": process_url(module_database_url), "TEMPORAL_ADDRESS": NOBODY}
    environment = clean_environment() | address | {"FLUXRATE_SECRET_KEY": "k" * 48}
    command = [sys.executable, "-m", "cli.main", "api", "--port", str(port), "--processes", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as api:
        alone = Watched(RunningInstance(tmp_path / "none"), began=time.time())
        try:
            wait_for(lambda: bool(metrics_at(f"http://127.0.0.1:{port}", "api")))
            shown = metrics_at(f"http://127.0.0.1:{port}", "api")
        finally:
            api.terminate()

    found = alone.fires([shown], after=95, folder=tmp_path)
    assert found == {"FluxrateNeverChecked", "FluxrateWorkerAway"}


def test_worker_that_stopped(
    watched: Watched, account: Account, plan: dict[str, str], healthy: Scrape, tmp_path: Path
) -> None:
    with watched.stopped("worker"):
        subscribe(account, plan, "2026-03-01T00:00:00Z")
        after = watched.until("fluxrate_oldest_unbilled_period_seconds", 300)
        found = watched.fires([healthy, after], after=20, folder=tmp_path)
        assert {"FluxrateWorkerAway", "FluxratePeriodUnbilled"} <= found
        assert "FluxrateNobodyChecks" in watched.fires([healthy, after], after=150, folder=tmp_path)
        time.sleep(8)
    before = watched.scrape()
    subscribe(account, plan, "2026-08-01T00:00:00Z")
    wait_for(lambda: watched.scrape().get(UNBILLED) == 0)
    assert "FluxratePeriodUnbilled" not in watched.fires(
        [before, watched.scrape()], after=30, folder=tmp_path
    )


def test_tasks_that_waited(
    watched: Watched, account: Account, plan: dict[str, str], healthy: Scrape, tmp_path: Path
) -> None:
    before = watched.scrape()
    with watched.stopped("worker"):
        for _ in range(6):
            subscribe(account, plan, "2027-01-01T00:00:00Z")
        time.sleep(12)
    time.sleep(5)
    slow = 'fluxrate_queue_latency_seconds_bucket{job="worker",kind="workflow",le="%s"}'
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        after = watched.scrape()
        if after.get(slow % "60.0", 0) > after.get(slow % "5.0", 0):
            break
        time.sleep(1)
    found = watched.fires(lasting(before, after, 15), after=0, folder=tmp_path)
    assert "FluxrateQueueSlow" in found
