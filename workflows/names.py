"""Workflow ids and search attributes, each said once."""

from __future__ import annotations

from typing import Literal

from temporalio.common import SearchAttributeKey

SUBSCRIPTION_WORKFLOW = "SubscriptionWorkflow"
PAYMENT_WORKFLOW = "PaymentWorkflow"
COVERAGE_WORKFLOW = "AuditWorkflow"

DEFAULT_TASK_QUEUE = "fluxrate-owners"
"""The queue of an installation that was not given another."""

COVERAGE_CHECK = "fluxrate-audit"

BILLING_ORGANIZATION = SearchAttributeKey.for_keyword("BillingOrg")
BILLING_CUSTOMER = SearchAttributeKey.for_keyword("BillingCustomer")
SUBSCRIPTION_STATUS = SearchAttributeKey.for_keyword("SubscriptionStatus")
PLAN_CODE = SearchAttributeKey.for_keyword("PlanCode")
BILLING_PHASE = SearchAttributeKey.for_keyword("BillingPhase")
LAST_INVOICE = SearchAttributeKey.for_keyword("LastInvoice")
NEEDS_ATTENTION = SearchAttributeKey.for_bool("NeedsAttention")
PERIOD_END = SearchAttributeKey.for_datetime("PeriodEnd")
NEXT_ACTION_AT = SearchAttributeKey.for_datetime("NextActionAt")
PERIOD_INDEX = SearchAttributeKey.for_int("PeriodIndex")

SEARCH_ATTRIBUTES: dict[str, Literal["Keyword", "Bool", "Datetime", "Int"]] = {
    "BillingOrg": "Keyword",
    "BillingCustomer": "Keyword",
    "SubscriptionStatus": "Keyword",
    "PlanCode": "Keyword",
    "BillingPhase": "Keyword",
    "LastInvoice": "Keyword",
    "NeedsAttention": "Bool",
    "PeriodEnd": "Datetime",
    "NextActionAt": "Datetime",
    "PeriodIndex": "Int",
}
"""Name and kind, as a server registers them. They carry no personal data."""


def subscription_workflow_id(subscription_id: str) -> str:
    """The id that makes a workflow unique: one per subscription, however often it is started."""
    return f"subscription/{subscription_id}"


def payment_workflow_id(invoice_id: str) -> str:
    """The id that makes a workflow unique: one per invoice, however often it is started."""
    return f"payment/{invoice_id}"


def coverage_check_id(task_queue: str) -> str:
    """The id of an installation's hourly check of coverage: its schedule and workflows alike."""
    return COVERAGE_CHECK if task_queue == DEFAULT_TASK_QUEUE else f"{COVERAGE_CHECK}-{task_queue}"
