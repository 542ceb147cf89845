"""So many payments while everything fails; then the books are compared."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg

from tests.faults.payments.books import compare, count_unsettled
from tests.faults.payments.payers import Payee, link_of, open_payee, pay_on_page, run_payment
from tests.faults.payments.site import Site
from tests.servers import superuser_url

ORGANIZATIONS: Final = 4
CUSTOMERS: Final = 5
AT_ONCE: Final = 32
SETTLED_WITHIN_SECONDS: Final = 3600.0
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


def prove(
    count: int,
    seed: int,
    show: Show,
    *,
    within_seconds: float = float("inf"),
    is_small: bool = False,
) -> Report:
    """The report of so many payments, or of those that were begun within that time.

    The same seed draws the same ways to pay and faults. A small proof has one organization with two
    customers, and kills each process once, one second after the other.
    """
    site = Site()
    organizations, customers = (1, 2) if is_small else (ORGANIZATIONS, CUSTOMERS)
    try:
        site.start()
        payees = [open_payee(site, number, seed, customers) for number in range(organizations)]
        started = time.monotonic()
        with site.killing(seed, each_once=is_small):
            count = run_payments(payees, count, seed, show, started + within_seconds)
        paid = time.monotonic()
        unsettled = settle(site, payees, lambda words: show(count, count, words))
        settled = time.monotonic()
        compared = compare(site.database_url, site.ledger)
        return Report(
            count=count,
            seed=seed,
            seconds=paid - started,
            seconds_to_settle=settled - paid,
            kills=dict(site.kills),
            figures=compared.figures,
            differences=unsettled + compared.differences + find_uncovered(payees),
        )
    finally:
        site.stop()


def find_uncovered(payees: Sequence[Payee]) -> list[str]:
    """What the product itself finds missing."""
    return [
        f"coverage: {finding}"
        for payee in payees
        for finding in payee.account.get("/audit/coverage")["findings"]
    ]


def run_payments(payees: Sequence[Payee], count: int, seed: int, show: Show, ends_at: float) -> int:
    """So many invoices are issued, and paid in whichever way; gives how many were begun in time."""
    started = time.monotonic()

    def run_next(number: int) -> bool:
        if time.monotonic() >= ends_at:
            return False
        run_payment(payees[number % len(payees)], random.Random(f"{seed}/{number}"))
        return True

    done = 0
    with ThreadPoolExecutor(AT_ONCE) as executor:
        asked = [executor.submit(run_next, number) for number in range(count)]
        for future in as_completed(asked):
            try:
                done += future.result()
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                raise
            show(done, count, f"{done / (time.monotonic() - started):.1f} a second")
    return done


def settle(site: Site, payees: Sequence[Payee], tell: Callable[[str], None]) -> list[str]:
    """Nothing is on its way any more, and customers have paid what failed by another card.

    Gives what is on its way after all that time.
    """
    by_organization = {payee.account.organization["id"]: payee for payee in payees}
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    while True:
        waits = count_unsettled(site.database_url, site.ledger)
        with psycopg.connect(superuser_url(site.database_url)) as connection:
            unpaid = connection.execute(OPEN).fetchall()
        if not waits and not unpaid:
            return []
        words = f"{len(unpaid)} open, {dict(waits)}"
        if time.monotonic() > deadline:
            return [f"still on its way: {words}"]
        tell(words)
        if not waits:
            for organization_id, invoice_id in unpaid:
                payee = by_organization[str(organization_id)]
                pay_on_page(link_of(payee, str(invoice_id)), "success")
        time.sleep(1)
