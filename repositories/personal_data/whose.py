"""Which rows of every table are about one customer: the one definition for export and erasure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_INVOICES: Final = """SELECT invoice.id FROM invoice
    WHERE invoice.organization_id = :organization_id AND invoice.customer_id = :customer_id"""
_SUBSCRIPTIONS: Final = """SELECT subscription.id FROM subscription
    WHERE subscription.organization_id = :organization_id
        AND subscription.customer_id = :customer_id"""
_ADD_ONS: Final = f"""SELECT add_on.id FROM subscription_add_on AS add_on
    WHERE add_on.organization_id = :organization_id
        AND add_on.subscription_id IN ({_SUBSCRIPTIONS})"""  # noqa: S608  (put together out of constants)
_PAYMENTS: Final = """SELECT payment.id FROM payment
    WHERE payment.organization_id = :organization_id AND payment.customer_id = :customer_id"""
_ALERTS: Final = """SELECT alert.id FROM alert
WHERE alert.organization_id = :organization_id AND alert.customer_id = :customer_id"""
_NOTES: Final = f"""SELECT credit_note.id FROM credit_note
    WHERE credit_note.organization_id = :organization_id
        AND credit_note.invoice_id IN ({_INVOICES})"""  # noqa: S608  (put together out of constants)

_ITSELF: Final = "held.customer_id = :customer_id"
_OF_INVOICE: Final = f"held.invoice_id IN ({_INVOICES})"
_OF_SUBSCRIPTION: Final = f"held.subscription_id IN ({_SUBSCRIPTIONS})"
_OF_PAYMENT: Final = f"held.payment_id IN ({_PAYMENTS})"
_BY_ID: Final = ("id",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Rows of a table that are about one customer.

    ``condition`` tells them by the name ``held``; ``order`` is what no two of them share, and
    ``record`` is the row as people read it.
    """

    condition: str
    order: tuple[str, ...] = _BY_ID
    record: str = "to_jsonb(held) - 'organization_id'"

    @property
    def where(self) -> str:
        """The condition, in one organization."""
        return f"held.organization_id = :organization_id AND ({self.condition})"


WHOSE: Final[Mapping[str, Held]] = {
    "customer": Held(condition="held.id = :customer_id"),
    "customer_erasure": Held(condition=_ITSELF, order=("customer_id",)),
    "subscription": Held(condition=_ITSELF),
    "subscription_period": Held(condition=_OF_SUBSCRIPTION, order=("subscription_id", "index")),
    "subscription_pause": Held(condition=_OF_SUBSCRIPTION),
    "subscription_action": Held(condition=_OF_SUBSCRIPTION),
    "subscription_add_on": Held(condition=_OF_SUBSCRIPTION),
    "add_on_quantity": Held(
        condition=f"held.add_on_id IN ({_ADD_ONS})", order=("add_on_id", "effective_at")
    ),
    "entitlement_window": Held(
        condition=_OF_SUBSCRIPTION, order=("subscription_id", "feature_id", "starts_at")
    ),
    "entitlement_threshold": Held(
        condition=_OF_SUBSCRIPTION,
        order=("subscription_id", "feature_id", "starts_at", "threshold"),
    ),
    "meter_claim": Held(condition=_ITSELF, order=("meter_id",)),
    "invoice": Held(condition=_ITSELF),
    "invoice_line": Held(condition=_OF_INVOICE),
    "invoice_draw": Held(condition=_OF_INVOICE, order=("invoice_id", "line_position", "grant_id")),
    "invoice_drawing": Held(condition=_OF_INVOICE, order=("invoice_id",)),
    "invoice_tax": Held(condition=_OF_INVOICE),
    "invoice_parties": Held(condition=_OF_INVOICE, order=("invoice_id",)),
    "invoice_receipt": Held(condition=_OF_INVOICE, order=("invoice_id", "revision")),
    "signed_receipt": Held(condition=_OF_INVOICE),
    "invoice_link": Held(
        condition=_OF_INVOICE,
        order=("invoice_id",),
        record="to_jsonb(held) - 'organization_id' - 'token'",
    ),
    "billing_run": Held(
        condition=_OF_SUBSCRIPTION, order=("subscription_id", "period_index", "revision", "step")
    ),
    "late_usage_mark": Held(condition=_OF_SUBSCRIPTION, order=("subscription_id", "period_index")),
    "correction_part": Held(condition=_OF_SUBSCRIPTION),
    "forgiven_charge": Held(condition=_OF_SUBSCRIPTION),
    "credit_note": Held(condition=_OF_INVOICE),
    "credit_note_return": Held(
        condition=_OF_INVOICE, order=("credit_note_id", "line_position", "grant_id")
    ),
    "credit_note_line": Held(condition=f"held.credit_note_id IN ({_NOTES})"),
    "customer_account": Held(condition=_ITSELF, order=("currency",)),
    "account_posting": Held(condition=_ITSELF, order=("currency", "sequence")),
    "wallet": Held(condition=_ITSELF, order=("unit",)),
    "alert": Held(condition=_ITSELF),
    "alert_crossing": Held(condition=f"held.alert_id IN ({_ALERTS})"),
    "credit_grant": Held(condition=_ITSELF),
    "credit_grant_rule": Held(condition=_ITSELF),
    "credit_hold": Held(condition=_ITSELF),
    "credit_top_up": Held(condition=_ITSELF),
    "credit_top_up_rule": Held(condition=_ITSELF),
    "credit_posting": Held(condition=_ITSELF, order=("unit", "position")),
    "coupon_redemption": Held(condition=_ITSELF),
    "invoice_coupon": Held(condition=_OF_INVOICE, order=("invoice_id", "redemption_id")),
    "invoice_coupon_line": Held(
        condition=_OF_INVOICE, order=("invoice_id", "redemption_id", "line_position")
    ),
    "collection": Held(condition=_ITSELF, order=("invoice_id",)),
    "payment": Held(condition=_ITSELF),
    "payment_reference": Held(condition=_OF_PAYMENT, order=("connection_id", "reference")),
    "payment_method": Held(condition=_ITSELF),
    "payment_link": Held(condition=_OF_INVOICE),
    "refund": Held(condition=_OF_PAYMENT),
    "dispute": Held(condition=_OF_PAYMENT),
    "gateway_event": Held(
        # Some are of no payment, such as that a page closed or that a method was saved.
        condition=f"""{_OF_INVOICE} OR {_OF_PAYMENT} OR EXISTS (
            SELECT FROM (
                SELECT CAST(:customer_id AS text)
                UNION ALL SELECT email FROM customer
                WHERE organization_id = :organization_id AND id = :customer_id
                UNION ALL SELECT unnest(names) FROM customer_erasure
                WHERE organization_id = :organization_id AND customer_id = :customer_id
                UNION ALL SELECT customer_reference FROM payment_method
                WHERE organization_id = :organization_id AND customer_id = :customer_id
            ) AS names (name)
            WHERE position(convert_to(name, 'UTF8') IN held.body) > 0
        )""",  # noqa: S608  (put together out of constants)
        record="to_jsonb(held) - 'organization_id'"
        " || jsonb_build_object('body', convert_from(held.body, 'UTF8'))",
    ),
    "gateway_task": Held(
        condition=f"""held.subject_id IN (
            SELECT link.id FROM payment_link AS link
            WHERE link.organization_id = :organization_id AND link.invoice_id IN ({_INVOICES})
            UNION ALL SELECT refund.id FROM refund
            WHERE refund.organization_id = :organization_id AND refund.payment_id IN ({_PAYMENTS})
            UNION ALL SELECT event.id FROM gateway_event AS event
            WHERE event.organization_id = :organization_id
                AND (event.invoice_id IN ({_INVOICES}) OR event.payment_id IN ({_PAYMENTS}))
            UNION ALL SELECT method.id FROM payment_method AS method
            WHERE method.organization_id = :organization_id AND method.customer_id = :customer_id
        )"""  # noqa: S608  (put together out of constants)
    ),
    "email": Held(condition=_OF_INVOICE),
    "webhook_event": Held(condition="strpos(held.body, CAST(:customer_id AS text)) > 0"),
    "webhook_delivery": Held(
        condition="""held.event_id IN (
            SELECT event.id FROM webhook_event AS event
            WHERE event.organization_id = :organization_id
                AND strpos(event.body, CAST(:customer_id AS text)) > 0
        )"""
    ),
    "webhook_attempt": Held(
        condition="""held.delivery_id IN (
            SELECT delivery.id FROM webhook_delivery AS delivery
            JOIN webhook_event AS event ON event.organization_id = delivery.organization_id
                AND event.id = delivery.event_id
            WHERE delivery.organization_id = :organization_id
                AND strpos(event.body, CAST(:customer_id AS text)) > 0
        )""",
        order=("delivery_id", "number"),
    ),
    "idempotency_request": Held(
        # What is asked names the customer or something of it, or what is answered does.
        condition=f"""strpos(held.body, CAST(:customer_id AS text)) > 0
            OR string_to_array(held.path, '/') && (
                SELECT array_agg(name) FROM (
                    SELECT CAST(:customer_id AS text)
                    UNION ALL SELECT external_id FROM customer
                    WHERE organization_id = :organization_id AND id = :customer_id
                    UNION ALL SELECT unnest(names) FROM customer_erasure
                    WHERE organization_id = :organization_id AND customer_id = :customer_id
                    UNION ALL SELECT named.id::text FROM ({_SUBSCRIPTIONS}) AS named
                    UNION ALL SELECT named.id::text FROM ({_PAYMENTS}) AS named
                    UNION ALL SELECT named.id::text FROM ({_NOTES}) AS named
                    UNION ALL SELECT id::text FROM invoice
                    WHERE organization_id = :organization_id AND customer_id = :customer_id
                    UNION ALL SELECT invoice_number FROM invoice
                    WHERE organization_id = :organization_id AND customer_id = :customer_id
                ) AS names (name) WHERE name IS NOT NULL
            )""",  # noqa: S608  (put together out of constants)
        order=("method", "path", "key"),
        record="to_jsonb(held) - 'organization_id' - 'fingerprint'",
    ),
    "audit_entry": Held(
        condition=f"""held.object_id = :customer_id OR held.object_id IN ({_INVOICES})
            OR held.object_id IN ({_SUBSCRIPTIONS}) OR held.object_id IN ({_PAYMENTS})
            OR held.object_id IN ({_NOTES})"""
    ),
    "usage_event": Held(condition=_ITSELF, order=("meter_id", "timestamp", "id")),
    "usage_correction": Held(condition=_ITSELF),
    "usage_rollup": Held(condition=_ITSELF, order=("meter_id", "hour")),
    "usage_group_rollup": Held(
        condition=_ITSELF, order=("meter_id", "grouping_id", "hour", "place")
    ),
}
"""By the names of tables. Not among them: what is of nobody or of members, and what repeats an
event in other words (``usage_event_key``, ``usage_distinct``)."""
