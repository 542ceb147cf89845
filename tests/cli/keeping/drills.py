"""An installation with something to lose, for drills of docs/operators/backup.md."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from runtime.embedded.processes import wait_until
from tests.cli.running import RunningInstance, fluxrate, get
from tests.scenarios.account import Account
from tests.servers import superuser_url

START, TWENTIETH = "2025-01-01T00:00:00Z", "2025-01-20T00:00:00Z"
MARCH, MAY, JULY = (f"2025-{month:02}-01T02:00:00Z" for month in (3, 5, 7))
CANARY = "Canary of Harbor Labs"


@dataclass(slots=True)
class Business:
    """Subscriptions on a test clock, billed until March, in a running installation."""

    running: RunningInstance
    account: Account
    clock: dict[str, Any] = field(default_factory=dict)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    """The keys of events whose answer came, in their order."""

    @classmethod
    def open(cls, running: RunningInstance) -> Business:
        """Two customers used something in January."""
        return cls(running, Account(base_of(running)).sign_up()).begin()

    def begin(self) -> Business:
        """Its people have signed up; two customers of theirs used something in January."""
        account = self.account
        meter = account.create_meter()
        plan = account.create_plan()
        account.add_usage_charge(plan, meter["meter_id"])
        self.clock = account.create_clock(START)
        for number in range(2):
            customer = account.create_customer(f"acct_{number}", self.clock, name=CANARY)
            self.subscriptions.append(account.subscribe(customer, plan))
        self.advance(TWENTIETH)
        for number in range(2):
            self.use(f"january-{number}", number, 1000)
        self.advance(MARCH)
        return self

    def use(self, key: str, number: int, calls: int, at: str = "2025-01-10T00:00:00Z") -> None:
        """An event, remembered once it is acknowledged."""
        self.account.post(
            "/usage",
            {
                "meter_name": "api_calls",
                "customer_external_id": f"acct_{number}",
                "properties": {"calls": calls},
                "timestamp": at,
                "idempotency_key": key,
            },
        )
        self.acknowledged.append(key)

    def advance(self, to: str) -> None:
        """The clock is there, and all that was due has happened."""
        self.account.post(f"/test-clocks/{self.clock['id']}/advance", {"frozen_time": to})
        path = f"/test-clocks/{self.clock['id']}"
        assert wait_until(
            lambda: self.account.get(path)["status"] == "ready", timeout_seconds=120
        ), self.account.get(path)

    def invoices(self) -> list[tuple[str, str, str]]:
        """Number, total and beginning of every invoice."""
        found = self.account.get("/invoices?page_size=100")["data"]
        return sorted(
            (one["invoice_number"], str(one["total"]), one["period_start"]) for one in found
        )

    @contextmanager
    def under_load(self) -> Iterator[None]:
        """Within this, events come one after the other."""
        stop = threading.Event()

        def report() -> None:
            count = 0
            while not stop.is_set():
                count += 1
                self.use(f"load-{count}", count % 2, 1, "2025-03-01T01:00:00Z")

        thread = threading.Thread(target=report)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def moved_to(self, running: RunningInstance) -> Business:
        """The same people, who found the installation that was made out of the backup."""
        return self.found_at(base_of(running), running)

    def found_at(self, url: str, running: RunningInstance) -> Business:
        """The same people, who log in where this answers."""
        account = Account(url)
        account.post("/auth/login", {"email": self.account.email, "password": "correct-horse-9"})
        return Business(running, account, self.clock, self.subscriptions, [])


def base_of(running: RunningInstance) -> str:
    """Where its API answers."""
    return running.addresses.api_url.removesuffix("/api/v1")


def stored_keys(running: RunningInstance) -> set[str]:
    """The keys of all events that its database has."""
    return keys_in(running.addresses.database_url)


def keys_in(url: str) -> set[str]:
    """The keys of all events of a database."""
    with psycopg.connect(superuser_url(url)) as connection:
        rows = connection.execute("SELECT idempotency_key FROM usage_event_key").fetchall()
    return {row[0] for row in rows}


def rebuild(running: RunningInstance) -> None:
    """Everything has its workflow again."""
    done = fluxrate("rebuild", *running.directory_option)
    assert done.returncode == 0, done.stdout + done.stderr


def restored(folder: Path, backup: Path, keys: Path) -> RunningInstance:
    """An installation out of a backup, which does not run yet; its invoices were verified."""
    done = fluxrate("restore", str(backup), "--data-dir", str(folder), "--keys", str(keys))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all are equal" in done.stdout
    assert "1 of 1 audit logs hold" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        f"Next, to look at it: fluxrate up --data-dir {folder} --port 8001 --quiet,"
        f" then fluxrate rebuild --data-dir {folder}."
        " Without --quiet only once the first installation is gone for good."
    )
    return RunningInstance(folder)


def missing_workflows(business: Business) -> list[str]:
    """Whatever has no workflow, as the check of coverage sees it."""
    coverage = business.account.get("/audit/coverage")
    assert coverage["owners_checked"], coverage
    return [one["kind"] for one in coverage["findings"]]


def answers(url: str) -> int:
    """The status of an answer."""
    return get(url).status_code


def go_on(business: Business, invoices: list[tuple[str, str, str]]) -> None:
    """What was issued is there; what is due is billed, each period once, and all is proved."""
    bill_on(business, invoices)
    verified = fluxrate("invoices", "verify", "--all", *business.running.directory_option)
    assert verified.returncode == 0, verified.stdout
    assert "12 receipts" in verified.stdout


def bill_on(business: Business, invoices: list[tuple[str, str, str]]) -> None:
    """What was issued is there; what is due until July is billed, each period once."""
    assert [one for one in business.invoices() if one in invoices] == invoices
    business.advance(JULY)
    after = business.invoices()
    numbers = [number for number, _, _ in after]
    periods = [start for _, _, start in after]
    assert [one for one in after if one in invoices] == invoices
    assert len(set(numbers)) == len(numbers)
    assert {start: periods.count(start) for start in periods} == dict.fromkeys(periods, 2)
    assert len(after) == 12
    assert missing_workflows(business) == []
