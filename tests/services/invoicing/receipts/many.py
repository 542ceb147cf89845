"""Thousands of invoices verified in one run, and what was done to five of them named.

    python -m tests.services.invoicing.receipts.many --count 10000

A shop bills customers of four plans month by month, in groups as a wave does; credit pays of some.
``fluxrate invoices verify --all`` is to find all equal. Then an amount, an event, a version of a
plan, a receipt and a signature are changed as only the database's owner can, and the same command
is to name each, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import psycopg
from typer.testing import CliRunner

from activities import declarations
from activities.closing import ClosingActivities
from activities.declarations import ActionRequest, Step
from billing.subscriptions import Action, WorkflowState
from cli.main import app
from models.accounts.organizations import OrganizationDirectory
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.credits import grants
from services.credits.grants import NewGrant
from services.subscriptions import agenda
from tests.activities.closes import (
    SELL,
    Subscriber,
    roll_up,
    sell_simple,
    subscribe,
    tax,
)
from tests.servers import TestRun, make_database, start_postgres, superuser_url
from tests.services.receipts_of import signing
from tests.services.shop import Shop, open_shop
from tests.services.usage_facts import Fact

MONTHS: Final = 10
GROUP: Final = 50
STEPS: Final = (
    declarations.ROLL_PERIOD,
    *declarations.BILL_STEPS,
    declarations.ISSUE_INVOICE,
)
BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC)

CHANGE_AMOUNT: Final = """
UPDATE invoice SET subtotal = subtotal + 1, total = total + 1, amount_due = amount_due + 1
WHERE id = %s"""
REMOVE_RECEIPT: Final = "DELETE FROM signed_receipt WHERE sequence = %s"
SWAP_SIGNATURE: Final = """
UPDATE signed_receipt SET signature = (SELECT signature FROM signed_receipt WHERE sequence = 1)
WHERE sequence = %s"""
DELETE_EVENT: Final = """
DELETE FROM usage_event USING invoice
WHERE invoice.id = %s AND usage_event.customer_id = invoice.customer_id
    AND usage_event.timestamp >= invoice.period_start
    AND usage_event.timestamp < invoice.period_end"""
CHANGE_PLAN: Final = """
UPDATE plan_version SET terms = replace(terms::text, '"9.99"', '"8.88"')::jsonb
WHERE plan_id = (SELECT plan_id FROM subscription WHERE id = %s)"""


def month(number: int) -> datetime:
    """The first instant of a month, counted from 0."""
    return datetime(2025, number + 1, 1, tzinfo=UTC)


def show(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def open_customers(shop: Shop, count: int) -> list[Subscriber]:
    """So many customers over four plans, who use something every month; some have credit."""
    tax(shop)
    kinds = [*(["simple", "bounded", "limited"] * 6), "many"]
    sold = {name: sell(shop, name) for name, sell in SELL.items()}
    made = []
    for number in range(count):
        country = "DE" if number % 3 else None
        kind = kinds[number % len(kinds)]
        one = subscribe(shop, sold[kind], starts_at=BEGIN, country=country)
        use(one, number)
        if number % 5 == 0:
            credit = NewGrant(unit="USD", amount=Decimal(25), effective_at=BEGIN)
            shop.do(grants.grant_free, one.customer_id, credit)
        made.append(one)
    return made


def use(one: Subscriber, number: int) -> None:
    """Every meter is used on the tenth of each month, each time otherwise."""
    for place in range(len(one.meters)):
        facts = [
            Fact(
                at=month(index).replace(day=10, hour=number % 24),
                value=Decimal(number * 7 + index * 13 % 90 + place) / 4,
                distinct_value=f"person {number % 3}",
            )
            for index in range(MONTHS)
        ]
        one.use(facts, place)


def in_groups(all_of_them: Sequence[Subscriber]) -> Iterator[list[Subscriber]]:
    """The customers as a wave takes them."""
    rest = iter(all_of_them)
    while group := list(islice(rest, GROUP)):
        yield group


def request_of(one: Subscriber, state: WorkflowState, action: Action) -> ActionRequest:
    """What the workflow would ask for next; what is past due keeps nobody from billing."""
    entry = next(entry for entry in state.agenda if entry.action is action)
    return ActionRequest(
        organization_id=str(one.shop.organization_id),
        subscription_id=str(one.id),
        due_at=entry.due_at,
        period_index=entry.period_index,
        invoice_id=entry.invoice_id,
        revision=entry.revision,
    )


def bill(shop: Shop, customers: Sequence[Subscriber]) -> None:
    """Every month of every customer is billed, and its invoice final."""
    states = {one.id: shop.read(agenda.get_state, one.id) for one in customers}
    for number in range(1, MONTHS + 1):
        now, later = (month(number).replace(hour=hour) for hour in (2, 12))
        closing = ClosingActivities(shop.transactions, always(now))
        finalizing = ClosingActivities(shop.transactions, always(later))
        for group in in_groups(customers):
            due = [request_of(one, states[one.id], Action.CLOSE_PERIOD) for one in group]
            for step in STEPS:
                answers = perform(closing, step, due)
            found = zip(group, answers, strict=True)
            due = [request_of(one, state, Action.FINALIZE_INVOICE) for one, state in found]
            answers = perform(finalizing, declarations.FINALIZE_INVOICE, due)
            states |= {one.id: state for one, state in zip(group, answers, strict=True)}
        show(f"month {number} is billed")


def always(instant: datetime) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: instant


def perform(
    activities: ClosingActivities, step: Step[ActionRequest, Any], due: Sequence[ActionRequest]
) -> list[Any]:
    """What a group's step answers. Raises what one of them met."""
    answers = activities.perform(step, due)
    for one in answers:
        if isinstance(one, Exception):
            raise one
    return answers


def verify(url: str) -> tuple[int, list[str]]:
    """What the command says, without its bar."""
    began = time.monotonic()
    done = CliRunner().invoke(app, ["invoices", "verify", "--all"], env={"DATABASE_URL": url})
    found = [line for line in done.output.splitlines() if "INV-" in line or "organizations" in line]
    show(f"verified in {time.monotonic() - began:.0f} s: {found[-1] if found else done.output}")
    return done.exit_code, found


def tamper(url: str, shop: Shop, apart: Subscriber) -> dict[str, str]:
    """What is done, each to another invoice: number of the invoice and what is to be said of it."""
    with psycopg.connect(superuser_url(url)) as connection:
        connection.execute("SET session_replication_role = replica")
        rows = connection.execute(
            "SELECT receipt.sequence, invoice.id, invoice.invoice_number"
            " FROM signed_receipt AS receipt"
            " JOIN invoice ON invoice.organization_id = receipt.organization_id"
            " AND invoice.id = receipt.invoice_id"
            " JOIN subscription ON subscription.organization_id = invoice.organization_id"
            " AND subscription.id = invoice.subscription_id"
            " WHERE invoice.subscription_id <> %s AND invoice.total > 1 ORDER BY receipt.sequence",
            (apart.id,),
        ).fetchall()
        own = connection.execute(
            "SELECT invoice_number FROM invoice WHERE subscription_id = %s AND period_index = 0",
            (apart.id,),
        ).fetchone()
        assert own is not None
        amount, removed, swapped, event = (rows[len(rows) * share // 9] for share in (1, 3, 5, 7))
        after = connection.execute(
            "SELECT invoice.invoice_number FROM invoice JOIN signed_receipt AS receipt"
            " ON receipt.invoice_id = invoice.id WHERE receipt.sequence = %s",
            (removed[0] + 1,),
        ).fetchone()
        assert after is not None
        statements: list[tuple[str, Any]] = [
            (CHANGE_AMOUNT, amount[1]),
            (REMOVE_RECEIPT, removed[0]),
            (SWAP_SIGNATURE, swapped[0]),
            (DELETE_EVENT, event[1]),
            (CHANGE_PLAN, apart.id),
        ]
        for statement, values in statements:
            changed = connection.execute(statement.encode(), (values,))
            assert changed.rowcount, statement
        connection.commit()
    return {
        amount[2]: "invoice_changed",
        after[0]: "receipt_missing",
        removed[2]: "receipt_missing",
        swapped[2]: "signature_wrong",
        event[2]: "events_changed",
        own[0]: "plan_changed",
    }


def said_of(found: Sequence[str]) -> dict[str, str]:
    """The invoices that are named, and what is said of each."""
    named = [line.split(maxsplit=3) for line in found if "INV-" in line]
    return {one[1].rstrip(":"): one[2].rstrip(":") for one in named}


def prove(url: str, count: int) -> int:
    """The exit code: 0 if all were equal, and then each change was named and nothing else."""
    transactions = signing(Transactions(create_application_engine(url)))
    shop = open_shop(transactions)
    with transactions.for_organization(shop.organization_id) as session:
        session.add(OrganizationDirectory(id=shop.organization_id))
    began = time.monotonic()
    customers = open_customers(shop, max(1, count // MONTHS))
    apart = subscribe(shop, sell_simple(shop, "apart"), starts_at=BEGIN)
    roll_up(shop)
    bill(shop, [*customers, apart])
    show(f"billed in {time.monotonic() - began:.0f} s")
    code, found = verify(url)
    if code != 0:
        show("\n".join(found))
        return 1
    wanted = tamper(url, shop, apart)
    code, found = verify(url)
    named = said_of(found)
    # Later months of the customer whose plan was changed are on the same version.
    others = {
        number: fault
        for number, fault in named.items()
        if number not in wanted and fault != "plan_changed"
    }
    show("\n".join(found[:20]))
    is_named = all(named.get(number) == fault for number, fault in wanted.items())
    return 0 if code == 1 and is_named and not others else 1


def main() -> None:
    """Prove it."""
    parser = argparse.ArgumentParser(description="Thousands of invoices verified in one run.")
    parser.add_argument("--count", type=int, default=10_000)
    arguments = parser.parse_args()
    run = TestRun()
    try:
        url = make_database(start_postgres("postgres-many-receipts"), "many")
        code = prove(url, arguments.count)
    finally:
        run.end()
    sys.exit(code)


if __name__ == "__main__":
    main()
