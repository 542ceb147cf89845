"""Records the histories of payment workflows that replay tests run: ``make histories``.

    python -m tests.dunning.record [KIND …]

What holds for recordings of subscriptions holds for these (tests/workflows/record.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.temporal import connect
from tests.dunning.conftest import FEBRUARY, Site, open_site
from tests.dunning.gateway import Answer, ScriptedGateway
from tests.scenarios.product import Product, settings_for
from tests.workflows.record import fetch_runs, run
from workflows.names import payment_workflow_id

HISTORIES = Path(__file__).parent / "histories"


def paid_at_once(site: Site) -> str:
    site.advance(FEBRUARY)
    return str(site.invoice()["id"])


def second_try_succeeds(site: Site) -> str:
    site.gateway.answers[:] = [Answer.DECLINED, Answer.PAID]
    site.advance("2025-02-10T00:00:00Z")
    return str(site.invoice()["id"])


def canceled_after_the_last_try(site: Site) -> str:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.account.patch("/organization", {"dunning": {"then": "cancel"}})
    site.advance("2025-04-01T00:00:00Z")
    return str(site.invoice()["id"])


def answer_is_looked_up(site: Site) -> str:
    site.gateway.answers[:] = [Answer.LOST]
    site.advance("2025-02-10T00:00:00Z")
    return str(site.invoice()["id"])


def paid_by_hand(site: Site) -> str:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.advance("2025-02-03T00:00:00Z")
    site.account.post(f"/invoices/{site.invoice()['id']}/pay")
    site.advance("2025-02-20T00:00:00Z")
    return str(site.invoice()["id"])


def waits_on_the_wall_clock(site: Site) -> str:
    site.gateway.answers[:] = [Answer.DECLINED]
    customer = site.account.create_customer("acct_78", billing_address_country="US")
    line = {"description": "Setup", "quantity": 1, "unit_amount": 20}
    body = {"customer_id": customer["id"], "currency": "USD", "line_items": [line]}
    body["due_date"] = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    invoice = site.account.post("/invoices", body)
    site.account.post(f"/invoices/{invoice['id']}/finalize")
    while not site.gateway.asked:
        time.sleep(0.1)
    time.sleep(5)
    return str(invoice["id"])


def continued_as_new(site: Site) -> str:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.account.patch("/organization", {"dunning": {"retry_days": list(range(1, 20))}})
    site.advance("2025-02-18T00:00:00Z")
    return str(site.invoice()["id"])


KINDS: dict[str, Callable[[Site], str]] = {
    life.__name__: life
    for life in (
        paid_at_once,
        second_try_succeeds,
        canceled_after_the_last_try,
        answer_is_looked_up,
        paid_by_hand,
        waits_on_the_wall_clock,
        continued_as_new,
    )
}


def record(kinds: list[str], database_url: str, temporal_address: str) -> None:
    """Live through the kinds and write down what Temporal kept of them."""
    console = Console()
    HISTORIES.mkdir(exist_ok=True)
    gateway = ScriptedGateway()
    product = Product(
        settings_for(database_url, temporal_address),
        gateways=gateway,
    ).start()
    loop = asyncio.new_event_loop()
    client = loop.run_until_complete(connect(temporal_address))
    transactions = Transactions(create_application_engine(database_url))
    try:
        for name in kinds:
            gateway.__init__()  # type: ignore[misc]  # as new, for whoever speaks to it already
            invoice_id = KINDS[name](open_site(product.url, gateway, transactions))
            time.sleep(2)
            workflow_id = payment_workflow_id(invoice_id)
            runs = loop.run_until_complete(fetch_runs(client, workflow_id))
            for number, history in enumerate(runs, 1):
                suffix = "" if len(runs) == 1 else f".{number}"
                (HISTORIES / f"{name}{suffix}.json").write_text(history)
            console.print(f"{name}: {len(runs)} run(s)")
    finally:
        product.stop()


if __name__ == "__main__":
    run(KINDS, record)
