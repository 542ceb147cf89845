"""Drafts that become final say what arrived in their grace, and what changed of earlier periods."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeVar
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceTotals
from billing.money import find_currency
from billing.rating.lines import PricedLine
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.credits.wallets import CustomerKey, WalletKey
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import draws as stored_draws
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import late_usage as stored_late_usage
from repositories.invoicing import term_progress as stored_terms
from repositories.invoicing.invoices import InvoiceKey
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.corrections.late_usage import settle
from services.documents.contents import tax_amount_of, write_contents
from services.invoicing import composition
from services.invoicing.composition import Bill, Composing
from services.invoicing.drafts import keep_receipt, set_totals
from services.invoicing.prepaid.evidence import keep_drawings
from services.rating import steps
from services.rating.steps import BillKey, Rated

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """A period's draft that becomes final at an instant."""

    invoice: Invoice
    subscription: Subscription
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rated:
    """A draft with what it is made of now; ``is_revised`` if that is another revision."""

    draft: Updated
    stored: SubscriptionPeriod
    bill: BillKey
    is_revised: bool
    rated: Rated

    @property
    def composing(self) -> Composing:
        """The bill that is to be composed."""
        return Composing(
            subscription=self.draft.subscription,
            rated=self.rated,
            at=self.draft.at,
            currency=self.rated.terms.currency,
            own_period=self.stored,
            draft=self.draft.invoice,
        )


def bring_up_to_date(
    session: Session,
    drafts: Sequence[Updated],
    *,
    wallets: Collection[WalletKey],
    now: datetime,
) -> None:
    """Let drafts say what arrived in their grace, and what changed of earlier periods.

    A draft that people edited keeps what they wrote; its period is looked at again for what came
    in since it was drafted (CONTRACT 72). The caller holds the customers' accounts and wallets.
    """
    for draft in drafts:
        if draft.invoice.is_edited:
            index = BillKey.of_invoice(draft.invoice).period_index
            stored_late_usage.mark_periods(session, draft.subscription, [index], now=now)
    drawing = {key[:2] for key in wallets}
    plain = [draft for draft in drafts if not draft.invoice.is_edited]
    rated = _rate(session, plain, drawing=drawing, now=now)
    composing = [one.composing for one in rated]
    composed = composition.compose_bills(session, composing, wallets=wallets)
    correcting = stored_corrections.find_correcting(
        session,
        [
            (one.bill.organization_id, one.bill.subscription_id, one.draft.invoice.id)
            for one in rated
        ],
    )
    kept, replaced = _divide(session, rated, composed, correcting)
    replace_contents(session, replaced, now=now)
    keep_drawings(session, kept, now=now)
    for one, bill in zip(rated, composed, strict=True):
        _keep(session, one, bill, now=now)


def _rate(
    session: Session,
    drafts: Sequence[Updated],
    *,
    drawing: Collection[CustomerKey],
    now: datetime,
) -> list[_Rated]:
    """What the drafts are made of now."""
    drafted = [BillKey.of_invoice(one.invoice) for one in drafts]
    periods = stored_subscriptions.list_periods_by_key(session, [one.key[:3] for one in drafted])
    steps.confirm_runs(session, drafted)
    revised = steps.revise_usage(session, drafted, drawing=drawing, now=now)
    rated = []
    for draft, former in zip(drafts, drafted, strict=True):
        bill = revised.get(former, former)
        frozen, terms = steps.load_frozen(session, bill)
        rated.append(
            _Rated(
                draft=draft,
                stored=periods[bill.key[:3]],
                bill=bill,
                is_revised=bill != former,
                rated=Rated(
                    terms=terms,
                    frozen=frozen,
                    lines=steps.load(session, bill, steps.EVIDENCE, tuple[PricedLine, ...]),
                ),
            )
        )
    return rated


def _divide(
    session: Session,
    rated: Sequence[_Rated],
    composed: Sequence[Bill],
    correcting: Collection[UUID],
) -> tuple[list[tuple[Invoice, InvoiceTotals]], list[tuple[Invoice, InvoiceTotals]]]:
    """The drafts that say already what they are to say, and the others."""
    drawn = stored_draws.list_draws(
        session, [_key_of(one) for one in rated if one.draft.invoice.is_drawn]
    )
    taxed = stored_invoices.list_taxes_by_key(session, [_key_of(one) for one in rated])
    replaced: list[tuple[Invoice, InvoiceTotals]] = []
    kept: list[tuple[Invoice, InvoiceTotals]] = []
    for one, bill in zip(rated, composed, strict=True):
        invoice = one.draft.invoice
        is_kept = (
            not one.is_revised
            and invoice.id not in correcting
            and not _may_say_else(bill, invoice)
            and bill.totals.tax_status == invoice.tax_status
            and list(bill.totals.taxes)
            == [tax_amount_of(row) for row in taxed.get(_key_of(one), ())]
            and _draws_the_same(bill.totals, invoice, drawn.get(_key_of(one), ()))
        )
        (kept if is_kept else replaced).append((invoice, bill.totals))
    for row in chain.from_iterable(drawn.values()):
        # Draws go with their lines, of which the session is not told, and may come again.
        session.expunge(row)
    return kept, replaced


def _key_of(one: _Rated) -> InvoiceKey:
    return one.draft.invoice.organization_id, one.draft.invoice.id


def _may_say_else(composed: Bill, invoice: Invoice) -> bool:
    """Whether a draft whose usage is as it was might still say something else than it does."""
    totals = composed.totals
    return bool(
        composed.corrections
        or totals.granted_credit
        or invoice.granted_credit
        or totals.discounts
        or invoice.coupons_total
        or totals.has_true_ups
        or invoice.has_true_ups
        or totals.total != invoice.total
    )


def _draws_the_same(totals: InvoiceTotals, invoice: Invoice, said: Sequence[InvoiceDraw]) -> bool:
    """Whether credit pays as the draft said: then its lines and taxes are what they were."""
    draws = [
        (one.position, one.grant_id, one.unit or invoice.currency, one.amount, one.money, one.place)
        for one in totals.draws
    ]
    return draws == [
        (one.line_position, one.grant_id, one.unit, one.amount, one.money, one.place)
        for one in sorted(said, key=lambda one: one.sequence)
    ]


def in_rounds(ordered: Sequence[T], whose: Callable[[T], Hashable]) -> list[list[T]]:
    """Rounds that have one of each owner, so that each finds what those before it left."""
    rounds: defaultdict[int, list[T]] = defaultdict(list)
    met: Counter[Hashable] = Counter()
    for one in ordered:
        rounds[met[whose(one)]].append(one)
        met[whose(one)] += 1
    return [*rounds.values()]


def replace_contents(
    session: Session, contents: Sequence[tuple[Invoice, InvoiceTotals]], *, now: datetime
) -> None:
    """Drafts that become final say this instead of what they said."""
    if not contents:
        return
    keys = [(invoice.organization_id, invoice.id) for invoice, _ in contents]
    stored_invoices.delete_contents(session, keys)
    for invoice, totals in contents:
        set_totals(invoice, totals)
        session.add(invoice)
    write_contents(session, contents)
    keep_drawings(session, contents, now=now)


def _keep(session: Session, rated: _Rated, composed: Bill, *, now: datetime) -> None:
    invoice = rated.draft.invoice
    if rated.is_revised:
        invoice.revision = rated.stored.revision = rated.bill.revision
        keep_receipt(session, rated.bill, invoice, rated.rated, now=now)
        session.add(rated.stored)
    settle(
        session,
        rated.draft.subscription,
        composed.corrections,
        find_currency(rated.rated.terms.currency),
        at=rated.draft.at,
        now=now,
    )
    stored_terms.settle_ended_terms(session, rated.draft.subscription, composed.ended)
