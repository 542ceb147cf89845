"""So many payments while everything fails; then the books are compared."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg

from tests.faults.payments.books import compare, count_unsettled
from tests.faults.payments.payers import Payee, link_of, open_payee, pay_on_page, run_payment
from tests.faults.payments.site import Site

ORGANIZATIONS: Final = 4
AT_ONCE: Final = 16
SETTLED_WITHIN_SECONDS: Final = 900.0
OPEN: Final = "SELECT organization_id, id FROM invoice WHERE status = 'OPEN'"

Show = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done, what failed meanwhile, and every difference between the books."""

    count: int
    seed: int
    seconds: float
    seconds_to_settle: float
    kills: dict[str, int]
    figures: dict[str, Any]
    differences: list[str]

    def to_document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def prove(count: int, seed: int, show: Show) -> Report:
    """The report of so many payments. The same seed draws the same ways to pay and faults."""
    site = Site()
    try:
        site.start()
        payees = [open_payee(site, number, seed) for number in range(ORGANIZATIONS)]
        started = time.monotonic()
        end = threading.Event()
        killer = threading.Thread(target=site.kill_until, args=(end, seed), daemon=True)
        killer.start()
        try:
            run_payments(payees, count, seed, show)
        finally:
            end.set()
            killer.join()
        paid = time.monotonic()
        settle(site, payees, lambda words: show(count, count, words))
        settled = time.monotonic()
        compared = compare(site.database_url, site.ledger)
        findings = [
            f"coverage: {finding}"
            for payee in payees
            for finding in payee.account.get("/audit/coverage")["findings"]
        ]
        return Report(
            count=count,
            seed=seed,
            seconds=paid - started,
            seconds_to_settle=settled - paid,
            kills=dict(site.kills),
            figures=compared.figures,
            differences=compared.differences + findings,
        )
    finally:
        site.stop()


def run_payments(payees: Sequence[Payee], count: int, seed: int, show: Show) -> None:
    """So many invoices are issued, and paid in whichever way."""
    with ThreadPoolExecutor(AT_ONCE) as executor:
        asked = [
            executor.submit(
                run_payment, payees[number % len(payees)], random.Random(f"{seed}/{number}")
            )
            for number in range(count)
        ]
        started = time.monotonic()
        for done, future in enumerate(as_completed(asked), 1):
            future.result()
            show(done, count, f"{done / (time.monotonic() - started):.1f} a second")


def settle(site: Site, payees: Sequence[Payee], tell: Callable[[str], None]) -> None:
    """Nothing is on its way any more, and customers have paid what failed by another card."""
    by_organization = {payee.account.organization["id"]: payee for payee in payees}
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    while True:
        waits = count_unsettled(site.database_url, site.ledger)
        with psycopg.connect(site.database_url) as connection:
            unpaid = connection.execute(OPEN).fetchall()
        if not waits and not unpaid:
            return
        tell(f"{len(unpaid)} open, {dict(waits)}")
        assert time.monotonic() < deadline, f"{len(unpaid)} open, {dict(waits)}"
        if not waits:
            for organization_id, invoice_id in unpaid:
                payee = by_organization[str(organization_id)]
                pay_on_page(link_of(payee, str(invoice_id)), "success")
        time.sleep(1)
