"""Requests during which the process dies at one of their commits, and the lives they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel, col, select

from activities.subscriptions import SubscriptionActivities
from models.audit_log import AuditEntry
from models.customer_accounts import AccountPosting
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice, InvoiceLine
from models.invoicing.late_usage import ForgivenCharge, LateUsageMark
from models.subscriptions.subscriptions import (
    Subscription,
    SubscriptionAction,
    SubscriptionPause,
    SubscriptionPeriod,
)
from repositories.transactions import Transactions
from services.subscriptions import agenda
from tests.api.people import Clock, Person
from tests.api.sold import V1, post
from tests.faults.steps.crashes import Moment, send_commit
from tests.workflows.acting import perform_entry

Row = TypeVar("Row", bound=SQLModel)

HAS_WRITTEN = text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")


HOW_IT_CAME = ("_pending", ".invoiced")
"""Ends of what is recorded only if a request did it itself, or could not do it at once."""


class Died(Exception):
    """The process is gone; nobody handles this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """At which of a request's commits the process dies, counted from 1, and when."""

    commit: int
    moment: Moment
    workflow_acts: bool = False
    """Whether the workflow does what is due before the request is repeated."""


class MortalTransactions(Transactions):
    """Counts the commits of transactions that wrote or locked something; dies once at one."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.commits = 0
        self._death: Death | None = None

    def expect(self, death: Death | None) -> None:
        """Count from here on, and die there."""
        self.commits, self._death = 0, death

    @contextmanager
    def _begin(self, words: bytes) -> Iterator[Session]:
        with super()._begin(words) as session:
            yield session
            session.flush()
            death = self._death_at(session)
            if death is not None and death.moment is not Moment.AFTER:
                if death.moment is Moment.DURING:
                    send_commit(session)
                raise Died
        if death is not None:
            raise Died

    def _death_at(self, session: Session) -> Death | None:
        if not session.scalar(HAS_WRITTEN):
            return None
        self.commits += 1
        if self._death is None or self._death.commit != self.commits:
            return None
        death, self._death = self._death, None
        return death


@dataclass(kw_only=True)
class Life:
    """A customer with a subscription of a fee and of calls; the test is its workflow."""

    person: Person
    transactions: MortalTransactions
    clock: Clock
    customer: dict[str, Any]
    plan: dict[str, Any]
    other_plan: dict[str, Any]
    subscription: dict[str, Any]
    known: dict[str, Any] = field(default_factory=dict)
    """What else is to be remembered, by name."""

    @property
    def organization_id(self) -> UUID:
        return UUID(self.customer["organization_id"])

    @property
    def path(self) -> str:
        """Of the subscription."""
        return f"/subscriptions/{self.subscription['id']}"

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a successful POST answers."""
        return post(self.person, path, body or {})

    def use(self, calls: int, at: str) -> None:
        """The customer makes calls."""
        event = {
            "meter_name": "api_calls",
            "customer_external_id": self.customer["external_id"],
            "quantity": calls,
            "timestamp": at,
        }
        self.post("/usage", event)

    def catch_up(self, until: datetime | None = None) -> None:
        """The workflow does all that is due by then, or now; each thing at its time."""
        now = until or self.clock.instant
        names = str(self.organization_id), self.subscription["id"]
        entries = self._read(agenda.get_state).agenda
        while entries and entries[0].due_at <= now:
            at = max(entries[0].due_at, self.known.get("met_at", entries[0].due_at))
            activities = SubscriptionActivities(self.transactions, Clock(at))
            entries = perform_entry(activities, *names, entries[0]).agenda
        self.known["met_at"] = now

    def invoice(self, index: int) -> dict[str, Any]:
        """The invoice of a period, the newest if there are several."""
        ids = [one.id for one in self._rows(Invoice) if one.period_index == index]
        return dict(self.person.get(f"{V1}/invoices/{ids[-1]}").json())

    def owes(self) -> Decimal:
        """What all invoices come to, less what was given back."""
        billed = sum(one.total for one in self._rows(Invoice) if one.status != "VOID")
        return Decimal(billed - sum(note.total for note in self._notes()))

    def story(self) -> dict[str, Any]:
        """Everything that happened and stands, without ids, numbers and what is told to whom."""
        invoices = self._rows(Invoice)
        subjects = {UUID(self.subscription["id"]), UUID(self.customer["id"])}
        subjects |= {one.id for one in invoices}
        entries = self._rows(AuditEntry, by=None)
        lines = self._rows(InvoiceLine, by=None)
        return {
            "invoices": sorted(described(one, lines) for one in invoices),
            "notes": sorted((note.kind, note.total) for note in self._notes()),
            "postings": [(one.kind, one.amount) for one in self._postings()],
            "forgiven": sorted(one.amount for one in self._rows(ForgivenCharge)),
            "to be settled": sorted(one.period_index for one in self._rows(LateUsageMark)),
            "happened": Counter(
                (one.action, one.at, one.period_index) for one in self._rows(SubscriptionAction)
            ),
            "asked": Counter(
                one.action
                for one in entries
                if one.object_id in subjects and not one.action.endswith(HOW_IT_CAME)
            ),
            "periods": sorted(
                (one.index, one.starts_at, one.ends_at, one.status, one.plan_version or 0)
                for one in self._rows(SubscriptionPeriod)
            ),
            "pauses": [(one.starts_at, one.ends_at) for one in self._rows(SubscriptionPause)],
            "subscription": self._subscription(),
        }

    def numbers(self) -> list[str]:
        """The numbers of the invoices."""
        return [one.invoice_number for one in self._rows(Invoice) if one.invoice_number]

    def _subscription(self) -> tuple[Any, ...]:
        [row] = [
            one
            for one in self._rows(Subscription, by=None)
            if str(one.id) == self.subscription["id"]
        ]
        ends = (row.canceled_at, row.ended_at, row.cancel_at_period_end, row.deleted_at)
        is_moved = str(row.plan_id) == self.other_plan["id"]
        current = (row.current_period_index, row.current_period_start, row.current_period_end)
        return row.status, is_moved, ends, current, row.pending_change, row.resume_at

    def _notes(self) -> list[CreditNote]:
        ids = {one.id for one in self._rows(Invoice)}
        return [note for note in self._rows(CreditNote, by=None) if note.invoice_id in ids]

    def _postings(self) -> Sequence[AccountPosting]:
        rows = self._rows(AccountPosting, by=None)
        mine = [one for one in rows if str(one.customer_id) == self.customer["id"]]
        return sorted(mine, key=lambda one: one.sequence)

    def _rows(self, table: type[Row], by: str | None = "subscription_id") -> list[Row]:
        """The rows of the subscription, or of the organization, as they were made."""
        with self.transactions.for_organization(self.organization_id) as session:
            statement = select(table)
            if by is not None:
                statement = statement.where(col(getattr(table, by)) == self.subscription["id"])
            rows = list(session.exec(statement).all())
            session.expunge_all()
        return sorted(rows, key=lambda one: str(getattr(one, "id", "")))

    def _read(self, query: Callable[..., Any]) -> Any:
        with self.transactions.for_organization(self.organization_id) as session:
            return query(session, self.organization_id, UUID(self.subscription["id"]))


def described(invoice: Invoice, lines: Sequence[InvoiceLine]) -> tuple[Any, ...]:
    """What an invoice says."""
    mine = [line for line in lines if line.invoice_id == invoice.id]
    return (
        invoice.kind,
        -1 if invoice.period_index is None else invoice.period_index,
        invoice.status,
        invoice.issue_date,
        invoice.reissue_of is not None,
        tuple(sorted((line.type, line.line_total) for line in mine)),
        (invoice.total, invoice.amount_due, invoice.carried_credit, invoice.granted_credit),
    )
