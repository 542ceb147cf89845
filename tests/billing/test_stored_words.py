"""Words that are stored: rows, documents and histories hold them, so none is ever changed.

A word may be added here with its member. One that is missing from the left is a bug in waiting:
what was stored by it could not be read any more.
"""

from __future__ import annotations

from enum import StrEnum

import pytest

from billing.audit_log.chain import Fault
from billing.audit_log.formats import AuditFormat
from billing.books.chart import PostingKind
from billing.books.formats import JournalFormat
from billing.credits.grants import GrantKind, GrantStatus, Place, Spendable
from billing.credits.ledger import CreditPostingKind, CreditSide
from billing.credits.top_ups import TopUpStatus
from billing.discounts.coupons import CouponScope
from billing.entitlements import AccessReason
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import (
    CreditNoteKind,
    DocumentLanguage,
    InvoiceKind,
    LateUsage,
    NumberAt,
)
from billing.invoicing.tax_categories import TaxCategory
from billing.invoicing.taxes import TaxStatus
from billing.metering.aggregations import MeterStatus
from billing.metering.corrections import CorrectionKind
from billing.metering.filters import Operator
from billing.metering.tallies import Aggregation
from billing.notifications.alerts import AlertAction, AlertDirection, AlertOn
from billing.notifications.events import WebhookEvent
from billing.notifications.mails import MailCause, MailStatus
from billing.notifications.schedule import DeliveryStatus
from billing.payments.dunning import AfterRetries, CollectionAction, CollectionStatus
from billing.payments.gateways import GatewayStatus, Provider
from billing.payments.kinds import PaymentKind, PaymentStatus, RefundKind, RefundStatus
from billing.payments.states import EventStatus, LinkStatus, SurplusPayments, TaskKind, TaskStatus
from billing.pending_changes import ChangeAction
from billing.periods import Alignment, Interval
from billing.rating.engines import Engine
from billing.rating.groups import GroupKind
from billing.rating.lines import LineType
from billing.rating.proration import ProrationBasis
from billing.rating.terms import (
    ChargeStatus,
    ChargeType,
    Effective,
    FeatureType,
    OverLimit,
    PlanType,
    Shortfall,
    VersionPolicy,
)
from billing.subscriptions import Action, PeriodStatus, SubscriptionStatus
from billing.timeline import Happening
from billing.units import Taxation

WORDS: list[tuple[type[StrEnum], str]] = [
    (AccessReason, "disabled limit_reached no_credit no_subscription not_on_plan spending_cap"),
    (Action, ("end_trial resume close_period bill_period apply_change finalize_invoice payment_due"
             " settle_late_usage return_credit grant_credit")),
    (AfterRetries, "none pause cancel uncollectible"),
    (Aggregation, "SUM COUNT MAX MIN AVG LAST UNIQUE_COUNT WEIGHTED_SUM"),
    (AlertAction, "alert block"),
    (AlertDirection, "up down"),
    (AlertOn, "spend usage available"),
    (Alignment, "start calendar"),
    (AuditFormat, "ndjson csv"),
    (ChangeAction, "cancel reactivate pause resume change_plan generate_invoice delete"),
    (ChargeStatus, "ACTIVE INACTIVE"),
    (ChargeType, "FIXED USAGE"),
    (CollectionAction, "settle_attempt charge remind end_collection"),
    (CollectionStatus, "active ended"),
    (CorrectionKind, "void amend"),
    (CouponScope, "lines plan invoice"),
    (CreditNoteKind, "manual late_usage carried_credit purchase"),
    (CreditPostingKind, "granted drawn returned expired rolled refunded held released"),
    (CreditSide, "sold given used expired refunded held rolled"),
    (DeliveryStatus, "pending succeeded failed"),
    (DocumentLanguage, "en de fr es ja"),
    (Effective, "next_period running_period"),
    (Engine, "1 2"),
    (EventStatus, "received processed ignored needs_attention"),
    (Fault, "gap entry_missing content_changed previous_differs head_differs tail_cut unlinked"),
    (FeatureType, "meter switch custom"),
    (GatewayStatus, "pending succeeded failed"),
    (GrantKind, "paid free"),
    (GrantStatus, "pending active used expired ended"),
    (GroupKind, "named others missing"),
    (Happening, ("created trial_ended paused resumed plan_changed add_on_attached add_on_changed"
                " add_on_ended change_applied change_refused canceled period_closed overdue_billed"
                " invoice_drafted invoice_finalized payment_due past_due late_usage_settled"
                " correction_cut credit_returned credit_granted needs_attention bill_retried"
                " bill_skipped")),
    (Interval, "day week month quarter year"),
    (InvoiceKind, "period threshold manual late_usage purchase"),
    (InvoiceStatus, "DRAFT OPEN PAID VOID UNCOLLECTIBLE"),
    (JournalFormat, "csv beancount hledger"),
    (LateUsage, "next_invoice credit_note_or_invoice ignore"),
    (LineType, "usage fixed proration late_usage invoiced_before credit adjustment true_up"),
    (LinkStatus, "making open closed"),
    (MailCause, ("finalized requested credit_note endpoint_disabled test reminder invitation"
                " password_reset")),
    (MailStatus, "queued sent failed"),
    (MeterStatus, "ACTIVE INACTIVE"),
    (NumberAt, "draft finalization"),
    (Operator, "eq ne in not_in gt gte lt lte contains exists"),
    (OverLimit, "bill waive"),
    (PaymentKind, "manual link saved_method"),
    (PaymentStatus, "pending succeeded failed"),
    (PeriodStatus, "open closed drafted final parked skipped unbilled void"),
    (Place, "before_tax after_tax"),
    (PlanType, "FIXED USAGE HYBRID"),
    (PostingKind, ("opened carried granted returned credited paid applied unapplied refunded"
                  " refund_failed written_off restored recovered owed settled fee fee_taken")),
    (ProrationBasis, "day second"),
    (Provider, "sandbox stripe razorpay"),
    (RefundKind, "refund dispute"),
    (RefundStatus, "pending succeeded failed"),
    (Shortfall, "invoice block"),
    (Spendable, "on_payment at_once"),
    (SubscriptionStatus, "TRIAL ACTIVE PAST_DUE PAUSED CANCELED"),
    (SurplusPayments, "credit refund"),
    (TaskKind, "open_link renew_link close_link refund event forget_method"),
    (TaskStatus, "pending done failed"),
    (TaxCategory, "S Z E AE K G O"),
    (TaxStatus, "calculated no_rate no_country"),
    (Taxation, "at_use at_purchase"),
    (TopUpStatus, "open succeeded failed"),
    (VersionPolicy, "latest pinned"),
    (WebhookEvent, ("invoice.created invoice.finalized invoice.paid invoice.voided"
                   " invoice.payment_failed subscription.created subscription.activated"
                   " subscription.canceled entitlement.threshold credit.granted credit.expired"
                   " top_up.succeeded top_up.failed alert.triggered")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words"), WORDS, ids=[kind.__name__ for kind, _ in WORDS])
def test_no_word_that_was_stored_is_lost(kind: type[StrEnum], words: str) -> None:
    assert set(words.split()) <= {one.value for one in kind}


@pytest.mark.parametrize(("kind", "words"), WORDS, ids=[kind.__name__ for kind, _ in WORDS])
def test_every_word_is_written_down_here(kind: type[StrEnum], words: str) -> None:
    assert {one.value for one in kind} <= set(words.split())


@pytest.mark.parametrize(
    ("kind", "words"),
    [one for one in WORDS if one[0] in (Action, CollectionAction, WebhookEvent, LineType)],
)
def test_the_order_of_these_words_settles_ties_and_catalogues(
    kind: type[StrEnum], words: str
) -> None:
    assert [one.value for one in kind][: len(words.split())] == words.split()
