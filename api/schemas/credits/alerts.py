"""Alerts and spending caps on the wire (docs/concepts/alerts.md)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.common import (
    Exact,
    Flag,
    Moment,
    NotNegative,
    Schema,
    View,
    Words,
    any_case,
)
from billing.notifications.alerts import AlertAction, AlertDirection, AlertOn, AlertTerms
from models.notifications.alerts import Alert, AlertCrossing
from services.rating.alerts.rules import NewAlert


class AlertSubjectCreate(Schema):
    """Whose spend, usage or credit is watched: a customer's, or a subscription's."""

    customer_id: UUID | None = None
    """The customer; absent where a subscription is named."""
    subscription_id: UUID | None = None
    """A subscription alone; absent for all of the customer's."""
    meter_id: UUID | None = None
    """A meter alone; absent for all, and needed for usage."""
    unit: Words | None = None
    """What spend or credit is counted in: a currency, or the code of a unit; absent for the
    organization's currency, and for usage."""


class AlertCreate(Schema):
    """What is watched, and what happens as it is reached. Nothing of it changes later."""

    on: Annotated[AlertOn, any_case(AlertOn)]
    """What is watched: what running periods come to so far (`spend`), usage of a meter in them
    (`usage`), or credit that can be spent (`available`)."""
    subject: AlertSubjectCreate
    """Whose."""
    thresholds: Annotated[list[NotNegative], Field(max_length=100)]
    """What is told: up to 20 values, in the unit of what is watched."""
    direction: Annotated[AlertDirection, any_case(AlertDirection)] | None = None
    """Whether a threshold is reached from below or from above; absent for `down` of credit, and
    `up` of all else."""
    action: Annotated[AlertAction, any_case(AlertAction)] = AlertAction.ALERT
    """Whether it is told alone (`alert`), or ends access besides as the lowest threshold is reached
    (`block`)."""
    rearm: Flag = False
    """Whether it is told again in the same period after the value was on the other side."""

    def command(self) -> NewAlert:
        """The command that the body stands for."""
        natural = AlertDirection.DOWN if self.on is AlertOn.AVAILABLE else AlertDirection.UP
        terms = AlertTerms(
            on=self.on,
            thresholds=tuple(self.thresholds),
            direction=self.direction or natural,
            action=self.action,
        )
        return self.subject.fill(NewAlert, terms=terms, rearm=self.rearm)


class AlertSubjectView(View, like=(AlertSubjectCreate,)):
    """Whose spend, usage or credit is watched."""

    customer_id: UUID
    """The customer."""
    customer_name: str
    """What the customer is called."""
    subscription_id: UUID | None
    """A subscription alone; null for all of the customer's."""
    meter_id: UUID | None
    """A meter alone; null for all."""
    unit: str | None
    """What spend or credit is counted in; null for usage."""


class AlertView(View, like=(AlertCreate,)):
    """What is watched, and what happens as it is reached."""

    id: UUID
    on: AlertOn
    subject: AlertSubjectView
    """Whose."""
    thresholds: list[Exact]
    """What is told, the lowest first, in the unit of what is watched."""
    direction: AlertDirection
    """Whether a threshold is reached from below or from above."""
    action: AlertAction
    rearm: bool
    created_at: Moment


class AlertCrossingView(View):
    """A threshold that was reached."""

    id: UUID
    threshold: Exact
    """Which threshold, in the unit of what is watched."""
    value: Exact
    """What was there as it was found, in the same unit."""
    number: int
    """How often it was reached in that period: more than once where the alert rearms."""
    watermark: int | None
    """Up to which arrival usage was counted; null where none was."""
    at: Moment
    """When it was found, by the customer's clock."""
    recovered_at: Moment | None
    """When the value was found on the other side again; null while it is not."""


def view_alert(row: Alert, *, customer_name: str) -> AlertView:
    """The alert as the API shows it."""
    facts = row.model_dump() | {"customer_name": customer_name}
    subject = AlertSubjectView(**{name: facts[name] for name in AlertSubjectView.model_fields})
    names = AlertView.model_fields.keys() - {"subject"}
    return AlertView(**{name: facts[name] for name in names}, subject=subject)


def view_crossing(row: AlertCrossing) -> AlertCrossingView:
    """A threshold that was reached, as the API shows it."""
    return AlertCrossingView.model_validate(row, from_attributes=True)
