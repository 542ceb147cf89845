"""What a request names, or NotFound: one function for each noun, with its one ``code``.

Each takes what a repository found or locked and gives it back. Rows that are deleted exist no more
for people who name them; ``may_be_deleted`` is for what still needs them, such as a bill.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeVar

from billing.errors import NotFound
from models.catalog.features import Feature
from models.catalog.meters import Meter
from models.catalog.plans import Plan
from models.customers import Customer
from models.invoicing.invoices import Invoice
from models.subscriptions.clocks import TestClock
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod


class _Deletable(Protocol):
    deleted_at: datetime | None


Row = TypeVar("Row", bound=_Deletable)


def require_customer(
    found: Customer | None, *, may_be_deleted: bool = False, field: str | None = None
) -> Customer:
    """The customer. Raises NotFound ``customer_not_found``."""
    return _require(found, "Customer", may_be_deleted=may_be_deleted, field=field)


def require_meter(
    found: Meter | None, *, may_be_deleted: bool = False, field: str | None = None
) -> Meter:
    """The meter. Raises NotFound ``meter_not_found``."""
    return _require(found, "Meter", may_be_deleted=may_be_deleted, field=field)


def require_feature(
    found: Feature | None, *, may_be_deleted: bool = False, field: str | None = None
) -> Feature:
    """The feature. Raises NotFound ``feature_not_found``."""
    return _require(found, "Feature", may_be_deleted=may_be_deleted, field=field)


def require_plan(
    found: Plan | None, *, may_be_deleted: bool = False, field: str | None = None
) -> Plan:
    """The plan. Raises NotFound ``plan_not_found``."""
    return _require(found, "Plan", may_be_deleted=may_be_deleted, field=field)


def require_subscription(
    found: Subscription | None, *, may_be_deleted: bool = False
) -> Subscription:
    """The subscription. Raises NotFound ``subscription_not_found``."""
    return _require(found, "Subscription", may_be_deleted=may_be_deleted, field=None)


def require_clock(
    found: TestClock | None, *, may_be_deleted: bool = False, field: str | None = None
) -> TestClock:
    """The test clock. Raises NotFound ``test_clock_not_found``."""
    return _require(found, "Test clock", may_be_deleted=may_be_deleted, field=field)


def require_period(
    found: SubscriptionPeriod | None, *, field: str | None = None
) -> SubscriptionPeriod:
    """The period of a subscription. Raises NotFound ``period_not_found``."""
    if found is None:
        raise NotFound("There is no such period.", code="period_not_found", field=field)
    return found


def require_invoice(found: Invoice | None) -> Invoice:
    """The invoice. Raises NotFound ``invoice_not_found``."""
    if found is None:
        raise not_found("Invoice")
    return found


def not_found(noun: str, *, field: str | None = None) -> NotFound:
    """The error that says so: ``Test clock`` has the code ``test_clock_not_found``."""
    code = f"{noun.lower().replace(' ', '_')}_not_found"
    return NotFound(f"{noun} not found.", code=code, field=field)


def _require(found: Row | None, noun: str, *, may_be_deleted: bool, field: str | None) -> Row:
    if found is None or (found.deleted_at is not None and not may_be_deleted):
        raise not_found(noun, field=field)
    return found
