"""Performs a journal's requests on the real services, and what their workflows do after each.

Nothing here knows what anything costs. A request that the product refuses has not happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from billing.errors import BillingError, InvariantBroken
from billing.invoicing.invoices import InvoiceStatus
from billing.periods import Alignment
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.transactions import Transactions
from services.corrections.credit_notes import CreditedLine
from services.invoicing import manual, payment_status
from services.invoicing.manual import DraftEdit, ManualLine
from services.lifecycle import reissue
from services.subscriptions import clocks, start
from services.subscriptions.start import CreateSubscription
from services.usage import corrections
from tests.money import documents, workflows
from tests.money.arrivals import WayIn
from tests.money.asked import agree, change
from tests.money.catalogue import Market, edit_plan, open_market
from tests.money.documents import LateLine, Pending
from tests.money.model import journal
from tests.money.model.agreements import Agreed
from tests.money.model.journal import WRITTEN, Opened, Request, Said
from tests.money.model.model import Model
from tests.money.model.replay import replay
from tests.services.lives import Life
from tests.services.shop import NOW, Shop

Result = TypeVar("Result")

HEARD_OF = journal.Subscribed | journal.OnSubscription | journal.OnBill
"""What the subscription's workflow hears of at once. The rest leaves nothing due for an hour."""


@dataclass(slots=True, kw_only=True)
class Driver:
    """A world in the database, what its names stand for, and the model that lives beside it."""

    market: Market
    way_in: WayIn
    requests: list[Request]
    model: Model
    lives: dict[str, Life] = field(default_factory=dict)
    events: dict[str, UUID] = field(default_factory=dict)

    def perform(self, request: Request) -> str | None:
        """Do it and note it down; the code of the refusal where the product refuses it."""
        try:
            done = self._perform(request)
        except InvariantBroken:
            raise
        except BillingError as error:
            return error.code
        self.requests.append(done)
        self.model.apply(done)
        self._act(request)
        return None

    def within(self, transactions: Transactions) -> Driver:
        """The same world, with what happens in it from now on in other transactions."""
        return self._moved(replace(self.market.shop, transactions=transactions))

    def copied(self, organization_id: UUID) -> Driver:
        """The same world in another organization, a copy of this one's."""
        return self._moved(replace(self.market.shop, organization_id=organization_id))

    def _moved(self, shop: Shop) -> Driver:
        return replace(
            self,
            market=replace(self.market, shop=shop, charges=dict(self.market.charges)),
            lives={name: replace(life, shop=shop) for name, life in self.lives.items()},
            events=dict(self.events),
            requests=list(self.requests),
            model=replay(self.requests),
        )

    def total(self) -> Decimal:
        """What the customer's documents add up to."""
        return self._read(documents.sum_documents, self.market.customer_id)

    def pending(self) -> Pending:
        """What still waits for the clock."""
        return self._read(documents.find_pending)

    def _perform(self, request: Request) -> Request:  # noqa: C901  (one case for each)
        """Do it; the request as it is to be noted down, with what was seen."""
        if isinstance(request, Agreed):
            subscription_id = self.id_of(request.subscription)
            agree(self._do, self._read, request, subscription_id, self.market.charges)
            return request
        match request:
            case journal.Advanced(to=to):
                self._do(clocks.advance_clock, self.market.clock_id, to)
            case journal.Waited():
                pass  # it is the model that counts how long
            case journal.Sent(key=key):
                self.events[key] = UUID(self.way_in.send(self.market, request))
            case journal.EventVoided(key=key):
                self._do(corrections.void_usage, self.events[key])
            case journal.EventAmended(key=key, value=value):
                self._do(corrections.amend_usage, self.events[key], value)
            case journal.Subscribed():
                self._subscribe(request)
            case journal.PlanEdited(plan=plan):
                edit_plan(self.market, plan)
            case journal.Opened():
                raise NotImplementedError(request)
            case (
                journal.PlanChanged()
                | journal.Canceled()
                | journal.Deleted()
                | journal.Reactivated()
                | journal.BilledEarly()
            ):
                change(self._do, request, self.id_of(request.subscription), self.market.plans)
            case _:
                return self._act_on_bill(request)
        return request

    def _subscribe(self, request: journal.Subscribed) -> None:
        command = CreateSubscription(
            customer_id=self.market.customer_id,
            plan_id=self.market.plans[request.plan],
            start_date=request.starts_at,
            billing_anchor=Alignment.CALENDAR if request.by_calendar else Alignment.START,
        )
        made = self._do(start.create_subscription, command)
        self.lives[request.subscription] = Life(
            shop=self.market.shop, subscription_id=made.id, clock_id=self.market.clock_id
        )

    def _act_on_bill(self, request: journal.OnBill) -> Request:
        match request:
            case journal.Finalized():
                self._do(payment_status.finalize, self.invoice_of(request).id)
            case journal.DraftDeleted():
                self._do(manual.delete_draft, self.invoice_of(request).id)
            case journal.DraftEdited(amount=amount):
                line = ManualLine(description="agreed", quantity=Decimal(1), unit_amount=amount)
                edit = DraftEdit(lines=(line,))
                self._do(manual.edit_draft, self.invoice_of(request).id, edit)
            case journal.Billed():
                self._bill_again(request)
            case journal.Noted(charge=charge, amount=amount):
                invoice = self.invoice_of(request)
                self._credit(invoice.id, self._line_of(invoice, charge).id, amount)
            case journal.InvoiceVoided():
                return self._void(request)
            case journal.LateLineNoted(place=place, amount=amount):
                late = self.late_lines(request.subscription)[place]
                note = self._credit(late.invoice_id, late.id, amount)
                given = self._named(self._read(documents.list_given, note.id))
                return replace(request, line=str(late.id), invoice=str(late.invoice_id), said=given)
        return request

    def _void(self, request: journal.InvoiceVoided) -> Request:
        invoice_id, _ = self.find_voidable(request)
        rows = self._read(documents.list_said, invoice_id)
        self._do(
            payment_status.change_status,
            invoice_id,
            InvoiceStatus.VOID,
            note=None,
            settles_again=request.settles_again,
        )
        life = self.id_of(request.subscription)
        said = tuple(
            replace(
                one,
                stands=self._read(documents.stands, life, period, charge),
                stand=self._read(documents.stands, life, period, None),
            )
            for one, (period, charge, _) in zip(self._named(rows), rows, strict=True)
        )
        return replace(request, invoice=str(invoice_id), said=said)

    def _named(self, rows: Iterable[documents.Row]) -> tuple[Said, ...]:
        names = self.market.charges
        return tuple(
            Said(period=period, charge=names[charge], amount=amount)
            for period, charge, amount in rows
        )

    def _credit(self, invoice_id: UUID, line_id: UUID, amount: Decimal) -> CreditNote:
        credited = [CreditedLine(line_id=line_id, amount=amount)]
        note: CreditNote = self._do(payment_status.credit, invoice_id, credited, reason="goodwill")
        return note

    def _bill_again(self, request: journal.Billed) -> None:
        invoice = self.find_invoice(request.subscription, request.period)
        if invoice is not None and invoice.status == InvoiceStatus.VOID:
            self._do(reissue.reissue_invoice, invoice.id)
            return
        subscription_id = self.id_of(request.subscription)
        self._do(reissue.bill_unbilled_period, subscription_id, request.period)

    # What stands in the database.

    def id_of(self, subscription: str) -> UUID:
        """The id of a subscription."""
        return self.lives[subscription].subscription_id

    def steps(self, subscription: str, period: int) -> list[UUID]:
        """The threshold invoices of a period that are due."""
        return self._read(documents.list_steps, self.id_of(subscription), period)

    def has_steps(self, subscription: str, period: int) -> bool:
        """Whether a period was billed as it ran."""
        return self._read(documents.count_steps, self.id_of(subscription), period) > 0

    def late_lines(self, subscription: str) -> list[LateLine]:
        """The late lines of a subscription's final invoices."""
        return self._read(documents.list_late_lines, self.id_of(subscription))

    def late_invoices(self, subscription: str) -> list[tuple[UUID, str]]:
        """The invoices of late usage of a subscription, with their status."""
        return self._read(documents.list_late_invoices, self.id_of(subscription))

    def find_voidable(self, request: journal.InvoiceVoided) -> tuple[UUID, str]:
        """The invoice that is to be void, and its status."""
        if request.late is not None:
            return self.late_invoices(request.subscription)[request.late]
        assert request.period is not None
        invoice = self.find_invoice(request.subscription, request.period)
        assert invoice is not None, f"{request} has no invoice"
        return invoice.id, invoice.status

    def left_of(self, line_id: UUID) -> Decimal:
        """What no note has given back of a line."""
        return self._read(documents.left_of_line, line_id)

    def line_of(self, subscription: str, period: int, charge: str) -> UUID:
        """The line of a charge on its period's invoice."""
        invoice = self.find_invoice(subscription, period)
        assert invoice is not None
        return self._line_of(invoice, charge).id

    def invoice_of(
        self,
        request: journal.Finalized | journal.DraftDeleted | journal.DraftEdited | journal.Noted,
    ) -> Invoice:
        """The invoice of a period that has one."""
        found = self.find_invoice(request.subscription, request.period)
        assert found is not None, f"{request} has no invoice"
        return found

    def find_invoice(self, subscription: str, period: int) -> Invoice | None:
        """The invoice of a period that is not void, else its newest one, None if it has none."""
        return self._read(documents.find_invoice, self.id_of(subscription), period)

    def _line_of(self, invoice: Invoice, charge: str) -> InvoiceLine:
        names = self.market.charges
        lines = self._read(documents.list_lines, invoice.id)
        if charge == WRITTEN:
            return next(line for line in lines if line.charge_id is None and line.type == "fixed")
        return next(line for line in lines if line.charge_id and names[line.charge_id] == charge)

    def _act(self, request: Request) -> None:
        """The workflows that hear of it do all that is due."""
        if isinstance(request, journal.Advanced):
            workflows.come_along(self.market.shop, self.lives.values())
        elif isinstance(request, HEARD_OF):
            workflows.act(self.lives[request.subscription])

    def _read(self, query: Callable[..., Result], *args: Any) -> Result:
        shop = self.market.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            return query(session, shop.organization_id, *args)

    def _do(self, service: Callable[..., Any], *args: Any, **options: Any) -> Any:
        shop = self.market.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            now = NOW + self.model.wall
            return service(session, shop.organization_id, *args, **options, now=now)


def open_world(transactions: Transactions, way_in: WayIn, opened: Opened) -> Driver:
    """A driver of a new world."""
    market = open_market(transactions, opened)
    return Driver(market=market, way_in=way_in, requests=[opened], model=replay([opened]))
