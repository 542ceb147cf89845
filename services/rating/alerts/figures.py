"""What alerts watch, as it is now: from the one figure of what accrues, and from the ledger.

Nothing is kept of it. Every event acknowledged before counts, and what was voided does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.identifiers import ChargeId
from billing.money import ZERO, exactly
from billing.notifications.alerts import AlertOn
from models.notifications.alerts import Alert
from repositories.notifications import alerts as stored_alerts
from services.credits import balances
from services.rating.accruing import find_accruing
from services.rating.spending import SpentLine, UsedOfMeter, list_spent, list_used


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value in a window; ``watermark`` is up to which arrival was counted, None where nothing."""

    value: Decimal
    window: str
    watermark: int | None


class Figures:
    """What one customer spends, uses and has at an instant: each looked at once."""

    def __init__(
        self, session: Session, organization_id: UUID, customer_id: UUID, *, at: datetime
    ) -> None:
        self._session = session
        self._organization_id = organization_id
        self._customer_id = customer_id
        self._at = at
        self._spent: tuple[SpentLine, ...] | None = None

    def of(self, alert: Alert, *, now: datetime) -> Figure | None:
        """What the alert watches; None while no period runs that could have any of it."""
        match AlertOn(alert.on):
            case AlertOn.AVAILABLE:
                return self._available(alert, now=now)
            case AlertOn.SPEND:
                assert alert.unit is not None
                lines = [one for one in self._lines(alert) if alert.unit in one.amounts]
                return _figure(lines, _spend(lines, alert.unit))
            case AlertOn.USAGE:
                lines = self._lines(alert)
                return _figure(lines, _usage(lines)) if lines else self._uncharged(alert)

    def _uncharged(self, alert: Alert) -> Figure | None:
        """Usage of a meter that no running period charges: of several, the one that has most."""
        assert alert.meter_id is not None
        found = list_used(
            self._session,
            self._organization_id,
            self._customer_id,
            alert.meter_id,
            subscription_id=alert.subscription_id,
            at=self._at,
        )
        return _figure(found, max((one.quantity for one in found), default=ZERO))

    def _available(self, alert: Alert, *, now: datetime) -> Figure:
        found = balances.read_balance(
            self._session,
            self._organization_id,
            self._customer_id,
            alert.unit,
            at=None,
            look_at_accruing=find_accruing,
            now=now,
        )
        return Figure(value=found.available, window="", watermark=found.watermark)

    def _lines(self, alert: Alert) -> list[SpentLine]:
        if self._spent is None:
            self._spent = list_spent(
                self._session, self._organization_id, self._customer_id, at=self._at
            )
        return [
            one
            for one in self._spent
            if alert.subscription_id in {None, one.subscription_id}
            and alert.meter_id in {None, one.meter_id}
        ]


def is_capped(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *,
    subscription_id: UUID,
    meter_id: UUID,
    at: datetime,
) -> bool:
    """Whether an alert that blocks is reached, of the customer, the subscription or the meter."""
    figures = Figures(session, organization_id, customer_id, at=at)
    for alert in stored_alerts.list_caps(session, organization_id, customer_id):
        is_meant = alert.subscription_id in {None, subscription_id} and alert.meter_id in {
            None,
            meter_id,
        }
        if is_meant:
            found = figures.of(alert, now=at)
            if found is not None and found.value >= min(alert.thresholds):
                return True
    return False


def _figure(lines: Sequence[SpentLine | UsedOfMeter], value: Decimal) -> Figure | None:
    """Of lines of running periods: a new window begins with each period that begins."""
    if not lines:
        return None
    return Figure(
        value=value,
        window=max(one.period_starts_at for one in lines).isoformat(),
        watermark=max(one.watermark for one in lines),
    )


@exactly
def _spend(lines: Iterable[SpentLine], unit: str) -> Decimal:
    return sum((one.amounts[unit] for one in lines), ZERO)


@exactly
def _usage(lines: Iterable[SpentLine]) -> Decimal:
    """What was used: of several charges of one meter in a subscription it is measured once."""
    by_charge: dict[tuple[UUID, ChargeId | None], Decimal] = {}
    for one in lines:
        key = (one.subscription_id, one.charge_id)
        by_charge[key] = by_charge.get(key, ZERO) + one.quantity
    by_subscription: dict[UUID, Decimal] = {}
    for (subscription_id, _), quantity in by_charge.items():
        by_subscription[subscription_id] = max(by_subscription.get(subscription_id, ZERO), quantity)
    return sum(by_subscription.values(), ZERO)
