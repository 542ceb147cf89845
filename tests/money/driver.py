"""Performs a journal's requests on the real services, and what their owners do after each.

Nothing here knows what anything costs. A request that the product refuses has not happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from billing.errors import BillingError, InvariantBroken
from billing.invoicing import InvoiceStatus
from billing.periods import Alignment
from models.invoices import Invoice, InvoiceLine
from repositories.transactions import Transactions
from services import (
    clocks,
    immediate_billing,
    invoice_actions,
    plan_changes,
    rebilling,
    subscription_changes,
    subscriptions,
    usage_corrections,
)
from services.credit_notes import CreditedLine
from services.subscriptions import CreateSubscription
from tests.money import journal
from tests.money.arrivals import WayIn
from tests.money.catalogue import Market, open_market
from tests.money.documents import sum_documents
from tests.money.journal import Opened, Request
from tests.services.lives import Life
from tests.services.shop import NOW


@dataclass(slots=True, kw_only=True)
class Driver:
    """A world in the database, and what its names stand for."""

    market: Market
    way_in: WayIn
    requests: list[Request]
    lives: dict[str, Life] = field(default_factory=dict)
    events: dict[str, UUID] = field(default_factory=dict)

    def perform(self, request: Request) -> bool:
        """Do it and note it down; False where the product refuses it."""
        try:
            self._perform(request)
        except InvariantBroken:
            raise
        except BillingError:
            return False
        self.requests.append(request)
        self._act()
        return True

    def within(self, transactions: Transactions) -> Driver:
        """The same world, with what happens in it from now on in other transactions."""
        shop = replace(self.market.shop, transactions=transactions)
        return replace(
            self,
            market=replace(self.market, shop=shop),
            lives={name: replace(life, shop=shop) for name, life in self.lives.items()},
            requests=list(self.requests),
        )

    def total(self) -> Decimal:
        """What the customer's documents add up to."""
        market = self.market
        with market.shop.transactions.for_organization(market.shop.organization_id) as session:
            return sum_documents(session, market.shop.organization_id, market.customer_id)

    def _perform(self, request: Request) -> None:
        match request:
            case journal.Advanced(to=to):
                self._do(clocks.advance_clock, self.market.clock_id, to)
            case journal.Sent(key=key):
                self.events[key] = UUID(self.way_in.send(self.market, request))
            case journal.EventVoided(key=key):
                self._do(usage_corrections.void_usage, self.events[key])
            case journal.EventAmended(key=key, value=value):
                self._do(usage_corrections.amend_usage, self.events[key], value)
            case journal.Subscribed():
                self._subscribe(request)
            case journal.Opened() | journal.PlanEdited():
                raise NotImplementedError(request)
            case (
                journal.PlanChanged()
                | journal.Canceled()
                | journal.Reactivated()
                | journal.BilledEarly()
            ):
                self._act_on_subscription(request)
            case _:
                self._act_on_bill(request)

    def _subscribe(self, request: journal.Subscribed) -> None:
        command = CreateSubscription(
            customer_id=self.market.customer_id,
            plan_id=self.market.plans[request.plan],
            start_date=request.starts_at,
            billing_anchor=Alignment.CALENDAR if request.by_calendar else Alignment.START,
        )
        made = self._do(subscriptions.create_subscription, command)
        self.lives[request.subscription] = Life(
            shop=self.market.shop, subscription_id=made.id, clock_id=self.market.clock_id
        )

    def _act_on_subscription(
        self,
        request: journal.PlanChanged | journal.Canceled | journal.Reactivated | journal.BilledEarly,
    ) -> None:
        subscription_id = self.lives[request.subscription].subscription_id
        match request:
            case journal.PlanChanged(plan=plan, at_period_end=at_end):
                plan_id = self.market.plans[plan]
                self._do(plan_changes.change_plan, subscription_id, plan_id, at_period_end=at_end)
            case journal.Canceled(at_period_end=at_end):
                self._do(
                    subscription_changes.cancel_subscription, subscription_id, at_period_end=at_end
                )
            case journal.Reactivated():
                self._do(subscription_changes.reactivate_subscription, subscription_id)
            case journal.BilledEarly():
                self._do(immediate_billing.generate_invoices, subscription_id)

    def _act_on_bill(
        self,
        request: journal.Finalized
        | journal.DraftDeleted
        | journal.InvoiceVoided
        | journal.Billed
        | journal.Noted,
    ) -> None:
        if isinstance(request, journal.Billed):
            self._bill_again(request)
            return
        invoice = self.invoice_of(request.subscription, request.period)
        match request:
            case journal.Finalized():
                self._do(invoice_actions.finalize, invoice.id)
            case journal.DraftDeleted():
                self._do(invoice_actions.delete_draft, invoice.id)
            case journal.InvoiceVoided():
                self._do(invoice_actions.change_status, invoice.id, InvoiceStatus.VOID, note=None)
            case journal.Noted(charge=charge, amount=amount):
                line = self._line_of(invoice, charge)
                credited = [CreditedLine(line_id=line.id, amount=amount)]
                self._do(invoice_actions.credit, invoice.id, credited, reason="goodwill")

    def _bill_again(self, request: journal.Billed) -> None:
        invoice = self.find_invoice(request.subscription, request.period)
        if invoice is not None:
            self._do(rebilling.reissue_invoice, invoice.id)
            return
        subscription_id = self.lives[request.subscription].subscription_id
        self._do(rebilling.bill_unbilled_period, subscription_id, request.period)

    def invoice_of(self, subscription: str, period: int) -> Invoice:
        """The invoice of a period that has one."""
        found = self.find_invoice(subscription, period)
        assert found is not None, f"period {period} has no invoice"
        return found

    def find_invoice(self, subscription: str, period: int) -> Invoice | None:
        """The invoice of a period that is not void, else its newest one, None if it has none."""
        subscription_id = self.lives[subscription].subscription_id
        market = self.market
        with market.shop.transactions.for_organization(market.shop.organization_id) as session:
            found = session.exec(
                select(Invoice)
                .where(
                    Invoice.organization_id == market.shop.organization_id,
                    Invoice.subscription_id == subscription_id,
                    Invoice.period_index == period,
                    Invoice.kind == "period",
                )
                .order_by(col(Invoice.status) == "VOID", col(Invoice.created_at).desc())
            ).first()
            if found is not None:
                session.expunge(found)
            return found

    def _line_of(self, invoice: Invoice, charge: str) -> InvoiceLine:
        names = self.market.charges
        with self.market.shop.transactions.for_organization(invoice.organization_id) as session:
            lines = session.exec(
                select(InvoiceLine).where(
                    InvoiceLine.organization_id == invoice.organization_id,
                    InvoiceLine.invoice_id == invoice.id,
                )
            ).all()
            session.expunge_all()
        return next(line for line in lines if line.charge_id and names[line.charge_id] == charge)

    def _act(self) -> None:
        """Every owner does all that is due."""
        for life in self.lives.values():
            life.catch_up()

    def _do(self, service: Callable[..., Any], *args: Any, **options: Any) -> Any:
        shop = self.market.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            return service(session, shop.organization_id, *args, **options, now=NOW)


def open_world(transactions: Transactions, way_in: WayIn, opened: Opened) -> Driver:
    """A driver of a new world."""
    market = open_market(transactions, opened)
    return Driver(market=market, way_in=way_in, requests=[opened])
