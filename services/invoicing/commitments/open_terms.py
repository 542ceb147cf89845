"""Which terms of commitments a bill says something of, with what documents say of them so far.

It settles the terms that its own period ends. A term that another bill settled before is corrected,
once the bill says something of its periods: late usage, or a period that is billed again or late.
Source: CREDITS 22, docs/decisions/0082.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from uuid import UUID

from sqlmodel import Session

from billing.commitments.calendar import CommittedPeriod, Term, terms_of
from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod
from billing.identifiers import ChargeId
from billing.invoicing.invoices import InvoiceStatus
from billing.money import ONE, ZERO, exactly
from billing.rating.lines import PricedLine
from billing.rating.proration import Share
from billing.rating.terms import PlanTerms
from billing.subscriptions import PeriodStatus, has_ended
from models.subscriptions.subscriptions import SubscriptionPeriod
from repositories.catalog import commitments as stored_commitments
from repositories.invoicing import term_progress as stored_progress
from repositories.invoicing.term_progress import SaidTrueUp
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.catalog import versions
from services.corrections.said import find_invoice_of
from services.invoicing.commitments.asked import Ending, TermsAsked
from services.rating import steps
from services.rating.frozen_usage import regular_of, shares_of
from services.rating.steps import BillKey

VersionKey = tuple[UUID, int]


def find_terms(session: Session, asked: TermsAsked) -> tuple[TermBill, ...]:
    """The terms that the bill settles or corrects, in the order of the plan's commitments.

    The caller holds the subscription, or only looks. Where there are no commitments this costs no
    statement, or a single one if the bill corrects other periods.
    """
    subscription = asked.subscription
    if not _may_meet_any(session, asked):
        return ()
    periods = stored_subscriptions.list_periods(
        session, subscription.organization_id, subscription.id
    )
    by_index = {one.index: one for one in periods}
    met = [
        _MetTerm(commitment=commitment, term=term, stand=stand)
        for commitment, term in _terms_met(
            asked, periods, _terms_by_version(session, asked, periods)
        )
        if (stand := _stand(session, asked, by_index[term.indexes[-1]])) is not _Stand.UNKNOWN
    ]
    return _term_bills(session, asked, by_index, met)


def _may_meet_any(session: Session, asked: TermsAsked) -> bool:
    if asked.rated is not None and asked.rated.terms.commitments:
        return True
    return bool(asked.corrected) and stored_commitments.has_any(
        session, asked.subscription.organization_id
    )


def _terms_met(
    asked: TermsAsked,
    periods: Sequence[SubscriptionPeriod],
    terms: Mapping[VersionKey, PlanTerms],
) -> list[tuple[CommitmentTerms, Term]]:
    """The terms that are over and have a period that the bill says something of."""
    said_by = [(one, terms[one.plan_id, one.plan_version]) for one in periods]
    calendar = [_committed(asked, one, its) for one, its in said_by]
    commitments = {
        commitment.commitment_id: commitment
        for one, its in said_by
        if one.index in asked.touched
        for commitment in its.commitments
    }
    is_last = _ends_with_last(asked)
    return [
        (commitment, term)
        for key, commitment in commitments.items()
        for term in terms_of(calendar, key, commitment.term_periods, is_last=is_last)
        if term.is_over and asked.touched.intersection(term.indexes)
    ]


def _terms_by_version(
    session: Session, asked: TermsAsked, periods: Sequence[SubscriptionPeriod]
) -> Mapping[VersionKey, PlanTerms]:
    """What each version says that bills one of the periods; the bill's own is known already."""
    known: dict[VersionKey, PlanTerms] = {}
    if asked.own is not None and asked.rated is not None:
        known[asked.own.plan_id, asked.own.plan_version] = asked.rated.terms
    missing = {(one.plan_id, one.plan_version) for one in periods} - known.keys()
    return known | versions.list_terms(session, asked.subscription.organization_id, missing)


def _committed(asked: TermsAsked, stored: SubscriptionPeriod, terms: PlanTerms) -> CommittedPeriod:
    regular = regular_of(asked.subscription, stored)
    ends_regular = stored.ends_at == regular.ends_at
    if asked.own is not None and stored.index == asked.own.index:
        ends_regular = {Ending.CUT: False, Ending.REGULAR: True}.get(asked.ending, ends_regular)
    return CommittedPeriod(
        index=stored.index,
        regular=regular,
        ends_regular=ends_regular,
        commitment_ids=frozenset(one.commitment_id for one in terms.commitments),
    )


def _ends_with_last(asked: TermsAsked) -> bool:
    """Whether the last period that there is ends the plan for the subscription."""
    subscription = asked.subscription
    return asked.ending is not Ending.CUT and (
        asked.ending is Ending.PLAN
        or has_ended(subscription.status)
        or subscription.cancel_at_period_end
        or subscription.next_plan_id is not None
    )


class _Stand(Enum):
    """Whether a term is settled, owes nothing because no bill ends it, or is left to people."""

    SETTLED = auto()
    NOT_BILLED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _MetTerm:
    """A term that is over and has a period that the bill says something of."""

    commitment: CommitmentTerms
    term: Term
    stand: _Stand


def _stand(session: Session, asked: TermsAsked, last: SubscriptionPeriod) -> _Stand:
    """Whether the bill settles the term, or a final bill of its last period did.

    A draft of that says it when it becomes final, and what people wrote stays as they wrote it.
    Where that bill is void, or gone, nothing is owed of the term: what others said is taken back.
    """
    if asked.own is not None and asked.own.index == last.index:
        return _Stand.SETTLED
    invoice = find_invoice_of(session, last)
    if invoice is None:
        return _Stand.NOT_BILLED
    if invoice.status == InvoiceStatus.DRAFT or invoice.is_edited:
        return _Stand.UNKNOWN
    return _Stand.SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What other documents say of periods, which share each is, and of true-ups."""

    shares: Mapping[int, Share]
    progress: Mapping[tuple[int, ChargeId], Decimal]
    true_ups: Sequence[SaidTrueUp]

    @exactly
    def billed(self, index: int, commitment: CommitmentTerms) -> Decimal:
        """What is billed of a period's charges that count."""
        found = (
            amount
            for (at, charge_id), amount in self.progress.items()
            if at == index and commitment.is_for(charge_id)
        )
        return sum(found, ZERO)

    def true_ups_of(self, commitment: CommitmentTerms, term: Term) -> list[SaidTrueUp]:
        """What settled or corrected the term."""
        return [
            one
            for one in self.true_ups
            if one.commitment_id == commitment.commitment_id and one.first_index in term.indexes
        ]


def _term_bills(
    session: Session,
    asked: TermsAsked,
    periods: Mapping[int, SubscriptionPeriod],
    met: Sequence[_MetTerm],
) -> tuple[TermBill, ...]:
    """The terms with their periods, and with what other documents say of them.

    A period whose bill was given up is none of them.
    """
    if not met:
        return ()
    indexes = sorted({index for one in met for index in one.term.indexes})
    billed = [periods[one] for one in indexes if periods[one].status != PeriodStatus.SKIPPED]
    standing = _Standing(
        shares=_shares(session, asked, billed),
        progress=_progress(session, asked, billed),
        true_ups=stored_progress.list_true_ups(
            session, asked.subscription, draft_id=asked.draft_id
        ),
    )
    return tuple(
        _term_bill(asked, one, standing)
        for one in met
        if not standing.shares.keys().isdisjoint(one.term.indexes)
        and (one.stand is _Stand.SETTLED or standing.true_ups_of(one.commitment, one.term))
    )


@exactly
def _term_bill(asked: TermsAsked, met: _MetTerm, standing: _Standing) -> TermBill:
    """What the term comes to; of one that no bill ends no period counts, so nothing is owed."""
    commitment, term, is_settled = met.commitment, met.term, met.stand is _Stand.SETTLED
    own = None if asked.own is None else asked.own.index
    true_ups = standing.true_ups_of(commitment, term)
    return TermBill(
        commitment=commitment if is_settled else replace(commitment, overage_factor=ONE),
        periods=tuple(
            TermPeriod(
                period_index=index,
                covered=standing.shares[index].covered if is_settled else 0,
                total=standing.shares[index].total,
                billed=standing.billed(index, commitment),
            )
            for index in term.indexes
            if index in standing.shares
        ),
        own_index=own if own in term.indexes else None,
        said=sum((one.amount for one in true_ups), ZERO),
        given_back=sum((one.given_back for one in true_ups), ZERO),
    )


def _shares(
    session: Session, asked: TermsAsked, periods: Sequence[SubscriptionPeriod]
) -> dict[int, Share]:
    """The share of each period: of the bill's own as that was rated."""
    found = shares_of(session, asked.subscription, periods)
    shares = {one.index: share for one, share in zip(periods, found, strict=True)}
    if asked.own is not None and asked.rated is not None and asked.own.index in shares:
        shares[asked.own.index] = asked.rated.frozen.share
    return shares


@exactly
def _progress(
    session: Session, asked: TermsAsked, periods: Sequence[SubscriptionPeriod]
) -> dict[tuple[int, ChargeId], Decimal]:
    """What other documents say of each charge; of what people rewrote, what had been measured."""
    subscription, draft_id = asked.subscription, asked.draft_id
    by_index = {one.index: one for one in periods}
    found = {
        (one.period_index, ChargeId(one.charge_id)): one.amount
        for one in stored_progress.list_progress(
            session, subscription, by_index.keys(), draft_id=draft_id
        )
    }
    rewritten = stored_progress.list_rewritten(
        session, subscription, by_index.keys(), draft_id=draft_id
    )
    for index in rewritten:
        evidence = BillKey.of(by_index[index])
        for line in steps.load(session, evidence, steps.EVIDENCE, tuple[PricedLine, ...]):
            if line.charge_id is not None and line.priced_in is None:
                key = (index, line.charge_id)
                found[key] = found.get(key, ZERO) + line.money
    return found
