"""A customer's account as its page shows it, in the customer's language."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import quote, urlencode

from billing.entitlements import AccessReason, Entitlement
from billing.invoicing.invoices import InvoiceStatus
from billing.money import ZERO
from billing.periods import Period
from billing.rating.terms import FeatureType
from billing.subscriptions import has_ended
from console.charts import Chart, draw_bars
from console.documents import picture_of, unfolding
from console.events import clock_time
from console.language import words_in
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from services.documents.formats import Formats
from services.documents.line_rows import Words
from services.documents.text import on_one_line
from services.entitlements.access import CustomerEntitlement
from services.portal.account import Account, SubscriptionAccount
from services.portal.invoices import is_past_due
from services.portal.usage import ChartedUsage, UsageBar
from services.usage.calendar import Grouping

MOST_LIMITS = 50

_NOT_GRANTED = frozenset({AccessReason.NOT_ON_PLAN, AccessReason.NO_SUBSCRIPTION})


def values_of(
    account: Account, entitlements: Sequence[CustomerEntitlement], *, token: str, page: int
) -> dict[str, object]:
    """What the template of an account shows."""
    words = words_in(account.language)
    granted = [one.entitlement for one in entitlements]
    granted = [one for one in granted if one.reason not in _NOT_GRANTED][:MOST_LIMITS]
    customer = on_one_line(account.customer_name)
    return {
        "seller": on_one_line(account.seller),
        "logo": picture_of(account.logo),
        "title": words["account_of"].format(customer=customer),
        "subscriptions": [_subscription(one, account, words) for one in account.subscriptions],
        "limits": [_limit(one, account, words) for one in granted],
        "invoices": [_invoice(one, account, token, words) for one in account.invoices],
        "newer": address_of(token, page - 1) if page > 1 else None,
        "older": address_of(token, page + 1) if account.has_older_invoices else None,
    }


def address_of(token: str, page: int = 1) -> str:
    """The address of the account, with a page of its invoices."""
    query = {"token": token} | ({"page": str(page)} if page > 1 else {})
    return f"/embed?{urlencode(query)}"


def _formats(account: Account, currency: str, timezone: str) -> Formats:
    return Formats(language=account.language, currency=currency, timezone=timezone)


def _subscription(one: SubscriptionAccount, account: Account, words: Words) -> dict[str, object]:
    subscription, running = one.subscription, one.running
    formats = _formats(account, "USD", subscription.timezone)
    ends_at = subscription.current_period_end
    return {
        "id": subscription.id,
        "name": on_one_line(one.plan_name),
        "status": subscription.status.lower(),
        "state": _state(subscription, formats, words),
        "period": formats.span(
            Period(starts_at=subscription.current_period_start, ends_at=ends_at)
        ),
        "ends": words["ends_on"].format(day=formats.day(ends_at))
        if subscription.cancel_at_period_end and not has_ended(subscription.status)
        else None,
        "page": None if running is None else unfolding(running, words),
        "about": words["running_bill_about"].format(day=formats.day(ends_at)),
        "charts": [_chart(charted, formats, words) for charted in one.usage],
    }


def _state(subscription: Subscription, formats: Formats, words: Words) -> str:
    trial_ends_at = subscription.trial_end_date or subscription.current_period_end
    return words[f"subscription_{subscription.status.lower()}"].format(
        day=formats.day(trial_ends_at)
    )


def _chart(charted: ChartedUsage, formats: Formats, words: Words) -> Chart:
    bars = charted.bars
    return Chart(
        title=on_one_line(charted.name),
        total=words["usage_total"].format(quantity=_quantity(charted.total, charted.unit, formats)),
        bars=draw_bars(
            [bar.usage for bar in bars],
            [_label(bar, charted.grouping, formats) for bar in bars],
            [formats.quantity(bar.usage) for bar in bars],
            [bar.is_to_come for bar in bars],
        ),
    )


def _label(bar: UsageBar, grouping: Grouping, formats: Formats) -> str:
    if grouping is Grouping.HOUR:
        return clock_time(bar.period.starts_at, formats.timezone)[:16]
    return formats.span(bar.period)


def _quantity(quantity: Decimal, unit: str | None, formats: Formats) -> str:
    text = formats.quantity(quantity)
    return f"{text} {on_one_line(unit)}" if unit else text


def _limit(one: Entitlement, account: Account, words: Words) -> dict[str, object]:
    formats = _formats(account, "USD", account.timezone)
    values: dict[str, object] = {
        "name": on_one_line(one.name),
        "text": words["granted" if one.has_access else "not_granted"],
        "meter": None,
        "resets": None,
        "is_reached": one.reason is AccessReason.LIMIT_REACHED,
    }
    if one.type is FeatureType.CUSTOM and one.static_value is not None:
        values["text"] = on_one_line(one.static_value)
    if one.type is FeatureType.METER and one.is_enabled and one.usage is not None:
        usage = formats.quantity(one.usage)
        if one.resets_at is not None:
            values["resets"] = words["resets"].format(day=formats.day(one.resets_at))
        if one.limit is None:
            values["text"] = words["used_unlimited"].format(usage=usage)
        else:
            values["text"] = words["used_of"].format(usage=usage, limit=formats.quantity(one.limit))
            values["meter"] = _share(one.usage, one.limit)
    return values


def _share(usage: Decimal, limit: Decimal) -> int:
    """How much of a limit is used, in percent, as far as a gauge shows it."""
    if limit <= 0:
        return 100
    return max(0, min(100, int(100 * usage // limit)))


def _invoice(invoice: Invoice, account: Account, token: str, words: Words) -> dict[str, object]:
    formats = _formats(account, invoice.currency, invoice.timezone)
    status = "past_due" if is_past_due(invoice) else invoice.status.lower()
    query = urlencode({"token": token})
    return {
        "number": invoice.invoice_number,
        "address": f"/embed/invoices/{quote(str(invoice.id))}?{query}",
        "issued": formats.day(invoice.issue_date),
        "due": formats.day(invoice.due_date),
        "total": formats.money(invoice.total),
        "left": _left_of(invoice, formats, words),
        "status": status,
        "state": words[f"status_{status}"],
    }


def _left_of(invoice: Invoice, formats: Formats, words: Words) -> str | None:
    """What is still due of an open invoice, where that is less than its total."""
    is_left = ZERO < invoice.amount_due < invoice.total
    if invoice.status not in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE) or not is_left:
        return None
    return f"{words['amount_due']} {formats.money(invoice.amount_due)}"
