"""What else there is: bills and their proof, payments, mails, webhooks, gateways, reports."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.notifications.deliveries import spread_events
from tests.api.access.furnished import owe, post, save_method
from tests.api.examples.chapters import FEBRUARY, MARCH, World
from tests.api.examples.rules import tell_of_add_ons, tell_of_alerts, tell_of_recurring_credit


def tell_of_a_bill(world: World, of: dict[str, str]) -> None:
    """The invoice of January is read, proved, mailed and paid."""
    tell, number = world.tell, of["number"]
    its = {"invoice_id": number}
    tell("list_invoices", query={"status": "OPEN"})
    line_id = tell("get_invoice", **its)["line_items"][0]["id"]
    tell("get_invoice_text", **its)
    tell("get_invoice_pdf", **its)
    tell("get_invoice_receipt_file", **its)
    receipt = tell("get_invoice_receipt", **its)
    tell("verify_receipt", receipt_id=receipt["id"])
    tell("verify_invoice", **its)
    tell("explain_invoice_line", line_id=line_id, **its)
    event_id = tell("list_usage_events")["data"][0]["id"]
    tell("export_invoice_events", **its)
    tell("prove_invoice_event", event_id=event_id, **its)
    tell("create_invoice_link", **its)
    tell("delete_invoice_link", **its)
    tell("create_widget_token", {"customer_external_id": "harbor"})
    credit = {"reason": "Goodwill", "lines": [{"line_id": line_id, "amount": 2.45}]}
    note = tell("create_credit_note", credit, **its)
    tell("list_invoice_credit_notes", **its)
    tell("get_credit_note", credit_note_id=note["id"])
    tell("get_credit_note_pdf", credit_note_id=note["id"])
    wire = {"amount": 30, "method": "bank_transfer", "reference": "FT-2026-0001"}
    payment = tell("record_payment", wire, **its)
    tell("list_invoice_payments", **its)
    tell("list_payments")
    tell("get_payment", payment_id=payment["id"])
    tell("refund_payment", {"amount": 5, "reason": "Paid twice"}, payment_id=payment["id"])
    tell("list_payment_refunds", payment_id=payment["id"])
    tell("send_invoice_email", **its)
    tell("pay_invoice", **its)


def tell_of_mails(world: World, of: dict[str, str]) -> None:
    """What was mailed, and how mails are written."""
    tell = world.tell
    email = tell("list_invoice_emails", invoice_id=of["number"])["data"][0]
    tell("list_emails")
    tell("get_email", email_id=email["id"])
    tell("retry_failed_emails")
    tell("send_test_email", {"to": "billing@lumenworks.example"})
    tell("list_email_templates")
    its = {"kind": "invoice", "language": "de"}
    text = {"subject": "{{ title }}", "text": "{{ headline }}", "html": "<p>{{ headline }}</p>"}
    tell("update_email_template", text, **its)
    tell("reset_email_template", **its)


def tell_of_manual_invoices(world: World) -> None:
    """Invoices by hand: changed, made final, void, made again, deleted."""
    tell = world.tell
    body = setup_fee(world)
    first, second = (tell("create_invoice", body)["id"] for _ in range(2))
    tell("update_invoice", {"due_date": "2026-05-01T00:00:00Z"}, invoice_id=first)
    tell("finalize_invoice", invoice_id=first)
    tell("change_invoice_status", {"status": "VOID", "note": "Wrong amount"}, invoice_id=first)
    tell("reissue_invoice", invoice_id=first)
    tell("delete_invoice", invoice_id=second)


def tell_of_e_invoices(world: World) -> None:
    """An organization in Germany bills in euros, by law as e-invoices."""
    tell = world.tell
    seller = {
        "billing_address_line1": "Hafenstrasse 5",
        "billing_address_city": "Hamburg",
        "billing_address_postal_code": "20457",
        "billing_address_country": "DE",
        "tax_id": "DE123456788",
        "contact_name": "Ada Lamprecht",
        "contact_phone": "+49 40 555 010",
        "contact_email": "ada@lumenworks.example",
    }
    tell("update_organization", seller | {"registration_number": "HRB 12345"})
    tell("create_tax_rate", {"name": "VAT", "country": "DE", "percentage": 19})
    buyer = {
        "name": "Kai GmbH",
        "email": "ap@kai.example",
        "external_id": "kai",
        "buyer_reference": "04011000-1-06",
        "billing_address_line1": "Am Kai 1",
        "billing_address_city": "Bremen",
        "billing_address_postal_code": "28195",
        "billing_address_country": "DE",
    }
    customer = tell("create_customer", buyer)
    body = setup_fee(world) | {"customer_id": customer["id"], "currency": "EUR"}
    invoice = tell("create_invoice", body)
    its = {"invoice_id": invoice["id"]}
    tell("finalize_invoice", **its)
    tell("get_invoice_ubl", **its)
    tell("get_invoice_xrechnung", **its)
    part = {"line_id": invoice["line_items"][0]["id"], "amount": 10}
    note = tell("create_credit_note", {"reason": "Goodwill", "lines": [part]}, **its)
    tell("get_credit_note_ubl", credit_note_id=note["id"])
    tell("get_credit_note_xrechnung", credit_note_id=note["id"])
    tell("put_customer", {"phone": "+49 421 555 010"}, customer_id="kai")
    tell("delete_customer", customer_id="kai")
    guest = {"name": "Ines Wolf", "email": "ines@wolf.example", "external_id": "ines"}
    tell("create_customer", guest)
    tell("export_personal_data", customer_id="ines")
    tell("erase_customer_data", {"confirm": "ines"}, customer_id="ines")


def tell_of_changes(world: World) -> None:
    """A subscription's life: paused, resumed, billed at once, moved, canceled, ended."""
    tell = world.tell
    quay = {"name": "Quay", "email": "ap@quay.example", "external_id": "quay"}
    address = {"billing_address_country": "GB"}
    customer = tell("create_customer", quay | address)
    plans = {name: tell("get_plan", plan_id=name)["id"] for name in ("payg", "flat")}
    terms = {"customer_id": customer["id"], "plan_id": plans["payg"], "start_date": FEBRUARY}
    its = {"subscription_id": tell("create_subscription", terms)["id"]}
    world.park(its["subscription_id"])
    tell("retry_bill", period_index=0, **its)
    world.park(its["subscription_id"])
    tell("skip_bill", {"reason": "Agreed with the customer."}, period_index=0, **its)
    used = {"customer_external_id": "quay", "properties": {"calls": 5_000}}
    token = tell("get_meter", meter_id="api_calls")["meter_token"]
    event = tell("track_usage", used | {"meter_token": token, "idempotency_key": "quay-1"})
    tell("amend_usage_event", {"quantity": 4_000}, event_id=event["id"])
    tell("update_subscription", {"threshold_amount": 50}, **its)
    world.clock.advance(minutes=1)
    tell("pause_subscription", {"resume_at": "2026-03-10T00:00:00Z"}, **its)
    tell("resume_subscription", **its)
    tell_of_add_ons(world, its)
    world.clock.advance(minutes=1)
    tell("generate_invoice", {}, **its)
    tell("void_usage_event", event_id=event["id"])
    world.clock.advance(minutes=1)
    tell("change_subscription_plan", {"plan_id": plans["flat"], "when": "period_end"}, **its)
    later = {"cancel_at_period_end": True, "reason": "Moves in-house"}
    tell("cancel_subscription", later, **its)
    tell("reactivate_subscription", **its)
    tell("delete_subscription", **its)
    clock = tell("create_test_clock", {"name": "Spare", "frozen_time": MARCH})
    tell("delete_test_clock", test_clock_id=clock["id"])
    tell("create_sandbox")


def tell_of_reports(world: World, of: dict[str, str]) -> None:
    """Lists and reports of what there is by now."""
    tell = world.tell
    tell("list_customers")
    tell("get_customer", customer_id="harbor")
    tell("list_customer_subscriptions", customer_id="harbor")
    tell("list_subscriptions")
    tell("get_subscription", subscription_id=of["subscription_id"])
    tell("list_subscription_invoices", subscription_id=of["subscription_id"])
    tell("get_subscription_timeline", subscription_id=of["subscription_id"])
    span = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
    tell("get_meter_usage", query=span | {"group_by": "day"}, meter_id="api_calls")
    tell("get_meter_statistics", meter_id="api_calls")
    tell("list_meter_events", query=span, meter_id="api_calls")
    tell("list_usage_events", query=span)
    tell("get_customer_usage", query=span, customer_id="harbor")
    tell("get_customer_account", customer_id="harbor")
    sent_twice = tell("list_payments")["data"][0]
    owe(tell.person, sent_twice["id"], 40)
    given_up = {"currency": "USD", "amount": 4, "note": "Not worth a reminder"}
    tell("write_off_owed", given_up, customer_id="harbor")
    tell("get_receivables")
    tell("list_failed_payments")
    tell("get_turnover")
    tell("list_scheduled_payments")
    tell("export_journal", query={"from": "2026-01-01", "to": "2026-03-31"})
    tell("list_unbilled_usage")
    tell("stream_usage_events")
    tell("list_audit_entries", query={"page_size": 2})
    tell("get_audit_coverage")
    tell("verify_audit_chain")
    tell("export_audit_log", query={"action": "plan.created"})


def tell_of_health(world: World) -> None:
    """What probes, monitors and strangers with a receipt ask."""
    for name in ("get_workers_health", "get_liveness", "get_health", "get_readiness"):
        world.tell(name)
    world.tell("get_metrics")
    world.tell("get_status")
    world.tell("list_receipt_keys")


def tell_of_webhooks(world: World) -> None:
    """An endpoint of the organization is told what happens."""
    tell = world.tell
    body = {"url": "https://hooks.lumenworks.example/fluxrate", "events": ["invoice.created"]}
    its = {"endpoint_id": tell("create_webhook_endpoint", body)["id"]}
    tell("list_webhook_endpoints")
    tell("get_webhook_endpoint", **its)
    tell("update_webhook_endpoint", {"events": ["*"]}, **its)
    tell("rotate_webhook_secret", **its)
    tell("update_customer", {"phone": "+1 503 555 0100"}, customer_id="harbor")
    tell("create_invoice", setup_fee(world))
    spread_events(world.context.transactions, now=world.clock())
    told = tell("list_webhook_deliveries")["data"][0]
    tell("get_webhook_delivery", delivery_id=told["id"])
    tell("replay_webhook_delivery", delivery_id=told["id"])
    tell("delete_webhook_endpoint", **its)


def setup_fee(world: World) -> dict[str, object]:
    """An invoice by hand."""
    return {
        "customer_id": world.tell("get_customer", customer_id="harbor")["id"],
        "currency": "USD",
        "due_date": "2026-04-01T00:00:00Z",
        "line_items": [{"description": "Setup", "quantity": 1, "unit_amount": 100}],
    }


def tell_of_gateways(world: World) -> None:
    """A gateway is connected, tells something, and is disconnected."""
    tell = world.tell
    connection = tell("create_connection", {"provider": "sandbox", "name": "Sandbox"})
    its = {"connection_id": connection["id"]}
    tell("list_connections")
    tell("get_connection", **its)
    tell("update_connection", {"name": "Trials"}, **its)
    customer_id = tell("get_customer", customer_id="harbor")["id"]
    method_id = save_method(tell.person, customer_id, its["connection_id"])  # type: ignore[arg-type]  # what a test says by name
    tell("list_payment_methods", customer_id="harbor")
    tell("delete_payment_method", customer_id="harbor", method_id=method_id)
    tell("list_gateway_events")
    tell("delete_connection", **its)


def tell_of_coupons(world: World) -> None:
    """A coupon is made, redeemed for a customer, taken from them, and withdrawn."""
    tell = world.tell
    body = {"code": "SPRING-10", "percent": 10, "duration": 3, "max_redemptions": 100}
    coupon = tell("create_coupon", body)
    tell("list_coupons")
    tell("redeem_coupon", {"code": "SPRING-10"}, customer_id="harbor")
    tell("get_coupon", coupon_id=coupon["id"])
    tell("list_customer_coupons", customer_id="harbor")
    tell("detach_coupon", customer_id="harbor", coupon_id=coupon["id"])
    tell("withdraw_coupon", coupon_id=coupon["id"])


def tell_of_credits(world: World) -> None:
    """Tokens are granted, and what is left of them is asked for."""
    tell = world.tell
    tell("create_unit", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    tell("list_units")
    welcome = {"unit": "TOKENS", "amount": 100000, "reason": "Welcome"}
    grant = tell("create_grant", welcome, customer_id="harbor")
    tell("list_grants", customer_id="harbor")
    tell("get_grant", grant_id=grant["id"])
    balance = tell("get_credit_balance", query={"unit": "TOKENS"}, customer_id="harbor")
    tell("list_ledger", query={"unit": "TOKENS"}, customer_id="harbor")
    held = {"customer_id": grant["customer_id"], "unit": "TOKENS", "amount": 5000}
    # The customer lives by a test clock.
    until = {"expires_at": (datetime.fromisoformat(balance["at"]) + timedelta(hours=1)).isoformat()}
    hold = tell("create_hold", held | until)
    tell("settle_hold", {"amount": 4200}, hold_id=hold["id"])
    other = tell("create_hold", held | until)
    tell("release_hold", hold_id=other["id"])
    tell("end_grant", {"refund": False}, grant_id=grant["id"])
    tell_of_purchases(world)
    tell("get_credit_check")


def tell_of_purchases(world: World) -> None:
    """Tokens are sold, and topped up by themselves from then on."""
    tell = world.tell
    pack = {"unit": "TOKENS", "amount": 50000, "kind": "paid"}
    sold = pack | {"cost": {"amount": 25, "currency": "USD"}, "reason": "Starter pack"}
    post(tell.person, "/customers/harbor/grants", **sold)
    tell("get_deferred_revenue", query={"unit": "TOKENS"})
    rule = {
        "unit": "TOKENS",
        "threshold": 10000,
        "step": 50000,
        "max_count": {"day": 2, "month": 10},
        "max_amount": {"day": 100000, "month": 500000},
        "price": {"amount": "0.0005", "currency": "USD"},
    }
    tell_of_recurring_credit(world)
    tell_of_alerts(world)
    made = tell("create_top_up_rule", rule, customer_id="harbor")
    tell("list_top_up_rules", customer_id="harbor")
    its = {"customer_id": "harbor", "rule_id": made["id"]}
    tell("update_top_up_rule", {"enabled": False}, **its)
    tell("list_top_ups", customer_id="harbor")
