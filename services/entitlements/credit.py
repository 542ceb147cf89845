"""Whether credit pays for what a customer is about to use, where nothing else is to pay for it.

Source: CREDITS 11: a charge whose ``shortfall`` is ``block``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.identifiers import ChargeId, MeterId
from billing.rating.terms import FeatureTerms, PlanTerms, Shortfall
from billing.units import Unit, currency_unit
from services.rating.accruing import find_left
from services.rating.alerts.figures import is_capped


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditQuestion:
    """Whether anything is left at an instant, in a unit, that pays for usage of a charge."""

    organization_id: UUID
    customer_id: UUID
    unit: Unit
    charge_id: ChargeId
    meter_id: MeterId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CapQuestion:
    """Whether spending caps leave room at an instant, for usage of a meter of a subscription."""

    organization_id: UUID
    customer_id: UUID
    subscription_id: UUID
    meter_id: UUID
    at: datetime


HasCredit = Callable[[CreditQuestion | CapQuestion], Awaitable[bool]]
"""Answers a question, every event counting that was acknowledged before."""


def has_credit(session: Session, question: CreditQuestion | CapQuestion) -> bool:
    """Whether a grant that pays for the charge has something left that is neither used nor held.

    Or, if that is asked, whether no spending cap is reached.
    """
    if isinstance(question, CapQuestion):
        return not is_capped(
            session,
            question.organization_id,
            question.customer_id,
            subscription_id=question.subscription_id,
            meter_id=question.meter_id,
            at=question.at,
        )
    key = (question.organization_id, question.customer_id, question.unit.code)
    return any(
        one.grant.applies_to.covers(question.charge_id, question.meter_id)
        for one in find_left(session, key, question.unit, at=question.at)
    )


def is_blocking(terms: PlanTerms, feature: FeatureTerms) -> bool:
    """Whether the feature's usage ends with the credit that pays for it."""
    return any(
        charge.shortfall is Shortfall.BLOCK
        for charge in terms.charges
        if charge.meter is not None and charge.meter.meter_id == feature.meter_id
    )


def list_questions(
    organization_id: UUID,
    customer_id: UUID,
    granted: Sequence[tuple[PlanTerms, FeatureTerms]],
    at: datetime,
) -> Iterator[tuple[int, CreditQuestion]]:
    """What is to be asked for each place of what is granted; mostly nothing."""
    for place, (terms, feature) in enumerate(granted):
        for charge in terms.charges:
            meter_id = charge.meter.meter_id if charge.meter is not None else None
            if charge.shortfall is Shortfall.BLOCK and meter_id and meter_id == feature.meter_id:
                question = CreditQuestion(
                    organization_id=organization_id,
                    customer_id=customer_id,
                    unit=charge.unit or currency_unit(terms.currency),
                    charge_id=charge.charge_id,
                    meter_id=meter_id,
                    at=at,
                )
                yield place, question
