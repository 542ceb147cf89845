"""P20: 10,000 invoices become final while their mail server is dead, and none later for it.

    python -m benchmarks.mail_wave

Two organizations make 10,000 invoices final each, in groups of 50 as a wave does, turn by turn, so
that both have the same machine. The server of one takes every mail; that of the other takes
connections and never says a word. A relay sends the mails of both meanwhile. The limit is the
living one; the goals are that a group with the dead one takes no more CPU, and is not done later.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median, quantiles
from typing import Final, TypeVar
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from benchmarks.figures import Result, figure
from benchmarks.servers import SECRET, make_database, running_postgres
from integrations.mail.sender import MailSender
from models.accounts.organizations import Organization, OrganizationDirectory
from models.base import new_id
from repositories.notifications.emails import list_emails
from repositories.outbox import CHANNEL
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.embedded.processes import choose_port
from runtime.notifications import Notifications
from runtime.relays import mails
from runtime.relays.deliveries import DeliveryRelay
from runtime.relays.mails import MailPost
from runtime.sealing import Sealer
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing.finalize import DueInvoice, finalize_due_invoices
from services.invoicing.manual import ManualInvoice, ManualLine, create_invoice

T = TypeVar("T")

INVOICES: Final = int(os.environ.get("BENCHMARK_INVOICES", "10000"))
CUSTOMERS: Final = 200
GROUP: Final = 50


@dataclass(frozen=True, slots=True)
class Round:
    """How long a group took, and how much of the processor."""

    seconds: float
    cpu_seconds: float


def measure() -> list[Result]:
    """Both organizations, turn by turn."""
    with running_postgres() as postgres, dead_server() as dead, living_server() as living:
        transactions = Transactions(create_application_engine(make_database(postgres)))
        prepared = [prepare(transactions, port) for port in (dead, living)]
        rounds: list[list[Round]] = [[], []]
        with relaying(transactions):
            for groups in zip(*(in_batches(one, GROUP) for one in prepared), strict=True):
                turn = len(rounds[0]) % 2
                for place in (turn, 1 - turn):
                    rounds[place].append(finalize(transactions, groups[place]))
        sent = [count_sent(transactions, one[0][0]) for one in prepared]
    return figures(*rounds, sent=sent)


def figures(dead: list[Round], living: list[Round], *, sent: list[int]) -> list[Result]:
    """Groups with the dead server beside those with the living one."""
    print(f"mails sent: {sent[0]} over the dead server, {sent[1]} over the living one")
    whats: tuple[tuple[str, str, Callable[[list[Round]], float]], ...] = (
        ("P20a", "CPU of a group, median", lambda some: median(one.cpu_seconds for one in some)),
        ("P20b", "time of a group, median", lambda some: median(one.seconds for one in some)),
        ("P20c", "time of a group, p99", lambda some: percentile([one.seconds for one in some])),
    )
    return [
        figure(
            identifier,
            f"{name}, of {INVOICES:,} invoices with a dead mail server beside a living one",
            value=of(dead) * 1000,
            unit="ms",
            limit=of(living) * 1000,
            ratio=of(dead) / of(living),
            goal="≤ 1.05",
            met=of(dead) / of(living) <= 1.05,
        )
        for identifier, name, of in whats
    ]


def percentile(some: list[float]) -> float:
    """What 99 of 100 are below."""
    return quantiles(some, n=100)[98]


def prepare(transactions: Transactions, port: int) -> list[tuple[UUID, UUID]]:
    """An organization that mails over this port, and its drafts; a group's customers differ."""
    now = datetime.now(UTC)
    organization_id = add_organization(transactions, port, now=now)
    customers = add_customers(transactions, organization_id, now=now)
    line = ManualLine(description="Set-up", quantity=Decimal(1), unit_amount=Decimal(25))
    drafts = []
    for numbers in in_batches(range(INVOICES), 100):
        with transactions.for_organization(organization_id) as session:
            for number in numbers:
                wanted = ManualInvoice(
                    customer_id=customers[number % CUSTOMERS],
                    currency="USD",
                    due_date=now + timedelta(days=30),
                    lines=(line,),
                )
                made = create_invoice(session, organization_id, wanted, now=now)
                made.scheduled_finalize_at = now
                drafts.append((organization_id, made.id))
    return drafts


def add_organization(transactions: Transactions, port: int, *, now: datetime) -> UUID:
    """It mails over this port."""
    organization_id = new_id()
    with transactions.for_organization(organization_id) as session:
        session.add(
            Organization(
                id=organization_id,
                name="Benchmark",
                slug=str(organization_id),
                created_at=now,
                smtp_host="127.0.0.1",
                smtp_port=port,
                smtp_use_tls=False,
                smtp_from_email="billing@benchmark.test",
            )
        )
        session.flush()
        session.add(OrganizationDirectory(id=organization_id))
    return organization_id


def add_customers(
    transactions: Transactions, organization_id: UUID, *, now: datetime
) -> list[UUID]:
    """They have an address for mails, and no tax."""
    with transactions.for_organization(organization_id) as session:
        return [
            create_customer(
                session,
                organization_id,
                CreateCustomer(
                    details=CustomerDetails(
                        name=f"Customer {number}",
                        email=f"ap{number}@benchmark.test",
                        billing_address_country="US",
                    )
                ),
                now=now,
            ).id
            for number in range(CUSTOMERS)
        ]


def in_batches(all_of_them: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The list in parts."""
    for start in range(0, len(all_of_them), size):
        yield all_of_them[start : start + size]


def finalize(transactions: Transactions, group: Sequence[tuple[UUID, UUID]]) -> Round:
    """The group is final, as a step of a wave makes it."""
    now = datetime.now(UTC)
    due = [DueInvoice(organization_id=one, invoice_id=two, due_at=now) for one, two in group]
    began, cpu = time.perf_counter(), time.thread_time()
    with transactions.for_organization(group[0][0]) as session:
        finalize_due_invoices(session, due, now=now)
    return Round(time.perf_counter() - began, time.thread_time() - cpu)


def count_sent(transactions: Transactions, organization_id: UUID) -> int:
    """How many mails arrived."""
    with transactions.for_organization(organization_id) as session:
        return list_emails(session, organization_id, status="sent", offset=0, limit=1)[1]


@contextmanager
def relaying(transactions: Transactions) -> Iterator[None]:
    """Mails are sent meanwhile, by a thread of its own."""
    post = MailPost(
        transactions, Sealer(SECRET), MailSender(may_be_private=True), public_url="https://b.test"
    )
    loop = asyncio.new_event_loop()
    tasks: list[asyncio.Task[None]] = []

    async def run() -> None:
        relay = DeliveryRelay(post, mails.ROOMS)
        told = Notifications(transactions.address, {CHANNEL: relay.hear}, missed=relay.look)
        tasks.extend(asyncio.create_task(one) for one in (relay.run(), told.run()))
        await asyncio.wait(tasks)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        yield
    finally:
        for task in tasks:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()


@contextmanager
def living_server() -> Iterator[int]:
    """A port where every mail is taken."""
    controller = Controller(Sink(), hostname="127.0.0.1", port=choose_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def dead_server() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener.getsockname()[1]


if __name__ == "__main__":
    for one in measure():
        print(one)
