"""Every operation that changes something, with what the audit log says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.api.access.furnished import owe, post, save_method, write_invoice
from tests.api.people import Person
from tests.api.shared_document import shared_document

V1 = "/api/v1"

RECORDED = """
POST   /api/v1/auth/signup                                organization.created
POST   /api/v1/auth/login                                 user.logged_in
POST   /api/v1/auth/logout                                user.logged_out
POST   /api/v1/auth/accept-invitation                     invitation.accepted
POST   /api/v1/auth/request-reset                         user.reset_requested
POST   /api/v1/auth/reset                                 user.password_reset
POST   /api/v1/auth/change-password                       user.password_changed
DELETE /api/v1/auth/sessions                              user.sessions_ended
DELETE /api/v1/auth/sessions/{session_id}                 user.session_ended
POST   /api/v1/auth/totp                                  user.totp_begun
POST   /api/v1/auth/totp/confirm                          user.totp_enabled
POST   /api/v1/auth/totp/recovery-codes                   user.recovery_codes_renewed
POST   /api/v1/auth/totp/disable                          user.totp_disabled
PATCH  /api/v1/members/{member_id}                        member.updated
DELETE /api/v1/members/{member_id}                        member.removed
DELETE /api/v1/members/{member_id}/sessions               user.sessions_ended
POST   /api/v1/invitations                                invitation.created
POST   /api/v1/invitations/{invitation_id}/resend         invitation.resent
DELETE /api/v1/invitations/{invitation_id}                invitation.revoked
POST   /api/v1/api-keys                                   api_key.created
DELETE /api/v1/api-keys/{key_id}                          api_key.revoked
PATCH  /api/v1/organization                               organization.updated
POST   /api/v1/organization/rotate-receipt-key            receipt_key.rotated
POST   /api/v1/organization/sandbox                       organization.sandbox_created
POST   /api/v1/customers                                  customer.created
PATCH  /api/v1/customers/{customer_id}                    customer.updated
PUT    /api/v1/customers/{customer_id}                    customer.updated
DELETE /api/v1/customers/{customer_id}                    customer.deleted
POST   /api/v1/customers/{customer_id}/erase              customer.erased
POST   /api/v1/features                                   feature.created
PATCH  /api/v1/features/{feature_id}                      feature.updated
DELETE /api/v1/features/{feature_id}                      feature.deleted
POST   /api/v1/meters                                     meter.created
PATCH  /api/v1/meters/{meter_id}                          meter.updated
DELETE /api/v1/meters/{meter_id}                          meter.deleted
POST   /api/v1/plans                                      plan.created
PATCH  /api/v1/plans/{plan_id}                            plan.updated
PUT    /api/v1/plans/{plan_id}                            plan.updated
DELETE /api/v1/plans/{plan_id}                            plan.deleted
POST   /api/v1/plans/{plan_id}/charges                    charge.added
PATCH  /api/v1/plans/{plan_id}/charges/{charge_id}        charge.deactivated
POST   /api/v1/plans/{plan_id}/features                   plan_feature.added
PATCH  /api/v1/plans/{plan_id}/features/{plan_feature_id} plan_feature.updated
DELETE /api/v1/plans/{plan_id}/features/{plan_feature_id} plan_feature.removed
POST   /api/v1/plans/{plan_id}/commitments                commitment.added
DELETE /api/v1/plans/{plan_id}/commitments/{commitment_id} commitment.ended
POST   /api/v1/plans/{plan_id}/migrate                    subscription.migrated
POST   /api/v1/webhook-endpoints                          webhook_endpoint.created
PATCH  /api/v1/webhook-endpoints/{endpoint_id}            webhook_endpoint.updated
DELETE /api/v1/webhook-endpoints/{endpoint_id}            webhook_endpoint.deleted
POST   /api/v1/webhook-endpoints/{endpoint_id}/rotate-secret webhook_endpoint.secret_rotated
POST   /api/v1/webhook-deliveries/{delivery_id}/replay    webhook_delivery.replayed
POST   /api/v1/connections                                connection.created
PATCH  /api/v1/connections/{connection_id}                connection.updated
DELETE /api/v1/connections/{connection_id}                connection.deleted
DELETE /api/v1/customers/{customer_id}/payment-methods/{method_id} payment_method.deleted
POST   /api/v1/tax-rates                                  tax_rate.created
DELETE /api/v1/tax-rates/{tax_rate_id}                    tax_rate.deleted
POST   /api/v1/test-clocks                                test_clock.created
POST   /api/v1/test-clocks/{test_clock_id}/advance        test_clock.advanced
DELETE /api/v1/test-clocks/{test_clock_id}                test_clock.deleted
POST   /api/v1/subscriptions                              subscription.created
PATCH  /api/v1/subscriptions/{subscription_id}            subscription.threshold_set
POST   /api/v1/subscriptions/{subscription_id}/pause      subscription.paused
POST   /api/v1/subscriptions/{subscription_id}/resume     subscription.resumed
POST   /api/v1/subscriptions/{subscription_id}/change-plan      subscription.plan_changed
POST   /api/v1/subscriptions/{subscription_id}/generate-invoice subscription.invoiced
POST   /api/v1/subscriptions/{subscription_id}/add-ons    add_on.attached
PATCH  /api/v1/subscriptions/{subscription_id}/add-ons/{add_on_id} add_on.changed
DELETE /api/v1/subscriptions/{subscription_id}/add-ons/{add_on_id} add_on.ended
POST   /api/v1/subscriptions/{subscription_id}/cancel     subscription.canceled
POST   /api/v1/subscriptions/{subscription_id}/reactivate subscription.reactivated
DELETE /api/v1/subscriptions/{subscription_id}            subscription.deleted
POST   /api/v1/subscriptions/{subscription_id}/periods/{period_index}/retry bill.retried
POST   /api/v1/subscriptions/{subscription_id}/periods/{period_index}/skip  bill.skipped
POST   /api/v1/invoices                                   invoice.created
PUT    /api/v1/invoices/{invoice_id}                      invoice.edited
DELETE /api/v1/invoices/{invoice_id}                      invoice.deleted
POST   /api/v1/invoices/{invoice_id}/finalize             invoice.finalized
POST   /api/v1/invoices/{invoice_id}/credit-notes         invoice.credited
POST   /api/v1/invoices/{invoice_id}/generate-token       invoice.linked
DELETE /api/v1/invoices/{invoice_id}/public-token         invoice.unlinked
POST   /api/v1/invoices/{invoice_id}/payments             payment.succeeded
POST   /api/v1/payments/{payment_id}/refund               payment.refunded
POST   /api/v1/customers/{customer_id}/account/write-off  customer_account.written_off
POST   /api/v1/units                                      unit.created
POST   /api/v1/customers/{customer_id}/grants             grant.created
POST   /api/v1/grants/{grant_id}/end                      grant.ended
POST   /api/v1/coupons                                    coupon.created
DELETE /api/v1/coupons/{coupon_id}                        coupon.withdrawn
POST   /api/v1/customers/{customer_id}/coupons            coupon.redeemed
DELETE /api/v1/customers/{customer_id}/coupons/{coupon_id} coupon.detached
POST   /api/v1/alerts                                     alert.created
DELETE /api/v1/alerts/{alert_id}                          alert.ended
POST   /api/v1/customers/{customer_id}/grant-rules        grant_rule.created
DELETE /api/v1/customers/{customer_id}/grant-rules/{grant_rule_id} grant_rule.ended
POST   /api/v1/customers/{customer_id}/top-up-rules       top_up_rule.created
PATCH  /api/v1/customers/{customer_id}/top-up-rules/{rule_id} top_up_rule.disabled
POST   /api/v1/invoices/{invoice_id}/pay                  invoice.paid
PATCH  /api/v1/invoices/{invoice_id}/status               invoice.void
POST   /api/v1/invoices/{invoice_id}/reissue              invoice.created
POST   /api/v1/invoices/{invoice_id}/send-email           invoice.emailed
POST   /api/v1/emails/retry-failed                        email.retried
POST   /api/v1/organization/test-email                                email.tested
PUT    /api/v1/email-templates/{kind}/{language}          email_template.updated
DELETE /api/v1/email-templates/{kind}/{language}          email_template.reset
POST   /api/v1/usage/{event_id}/amend                     usage_event.amended
POST   /api/v1/usage/{event_id}/void                      usage_event.voided
"""

EXCEPTIONS: Mapping[str, str] = {
    "POST /api/v1/auth/refresh": "the session goes on; only its end is recorded",
    "POST /api/v1/usage": "events are a log of their own, append-only",
    "POST /api/v1/usage/batch": "events are a log of their own, append-only",
    "POST /api/v1/sdk/track": "events are a log of their own, append-only",
    "POST /api/v1/subscriptions/{subscription_id}/preview-invoice": "changes nothing",
    "POST /api/v1/plans/{plan_id}/price": "changes nothing",
    "POST /api/v1/plans/{plan_id}/preview-edit": "changes nothing",
    "POST /api/v1/invoices/{invoice_id}/verify": "changes nothing",
    "POST /api/v1/webhooks/{provider}/tenant_{organization_id}/{connection_id}": "an event",
    "POST /api/v1/credits/holds": "holds come as events do, and the ledger has each",
    "POST /api/v1/credits/holds/{hold_id}/settle": "holds come as events do, and so do their ends",
    "DELETE /api/v1/credits/holds/{hold_id}": "holds come as events do, and so do their ends",
    "POST /api/v1/widget/token": "stores nothing: the token is signed and ends within the hour",
}


def recorded() -> dict[str, str]:
    rows = (line.split() for line in RECORDED.strip().splitlines())
    return {f"{method} {path}": action for method, path, action in rows}


def changing_operations() -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, operations in shared_document()["paths"].items()
        for method in operations
        if method not in ("get", "head")
    }


def plan_body(lookup_id: str) -> dict[str, str]:
    names = {"name": lookup_id, "lookup_id": lookup_id}
    return names | {"type": "HYBRID", "currency": "USD", "billing_interval": "month"}


@dataclass
class Story:
    """Does one operation after the other, each by a request with an id of its own."""

    person: Person
    request_ids: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def do(self, operation: str, body: Any = None, **ids: Any) -> Any:
        method, path = operation.split()
        template = f"{method} {V1}{path}"
        request_id = f"request-{next(self.numbers):04}"
        self.request_ids.setdefault(template, request_id)
        answer = self.person.request(
            method,
            V1 + path.format(**ids),
            json=body,
            headers={"X-Request-Id": request_id},
        )
        assert answer.status_code < 300, f"{template}: {answer.text}"
        return answer.json() if answer.content else None

    def connect_gateway(self) -> None:
        """A gateway is connected, its connection renamed, and ended."""
        body = {"provider": "sandbox", "name": "Sandbox"}
        its = {"connection_id": self.do("POST /connections", body)["id"]}
        self.do("PATCH /connections/{connection_id}", {"name": "Trials"}, **its)
        customer = {"name": "Quay", "email": "a@quay.test", "billing_address_country": "DE"}
        customer_id = self.do("POST /customers", customer)["id"]
        method_id = save_method(self.person, customer_id, its["connection_id"])
        path = "/customers/{customer_id}/payment-methods/{method_id}"
        self.do(f"DELETE {path}", customer_id=customer_id, method_id=method_id)
        self.do("DELETE /connections/{connection_id}", **its)
        self.grant_credit(customer_id)
        self.redeem_coupon(customer_id)
        self.write_off(customer_id)

    def write_off(self, customer_id: str) -> None:
        """More goes back than was paid, and nobody expects it any more."""
        invoice = write_invoice(
            self.person, customer_id, description="Quay", quantity=1, unit_amount=10
        )
        path = f"/invoices/{invoice['id']}"
        post(self.person, f"{path}/finalize")
        payment = post(self.person, f"{path}/payments", amount=10)
        owe(self.person, payment["id"], 12)
        path = "/customers/{customer_id}/account/write-off"
        self.do(f"POST {path}", {"currency": "USD"}, customer_id=customer_id)
        confirmed = {"confirm": "a@quay.test"}
        self.do("POST /customers/{customer_id}/erase", confirmed, customer_id=customer_id)

    def grant_credit(self, customer_id: str) -> None:
        """A unit is made, credit granted in it, and the grant ended."""
        self.do("POST /units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
        granted = {"unit": "TOKENS", "amount": 1000}
        path = "POST /customers/{customer_id}/grants"
        grant = self.do(path, granted, customer_id=customer_id)
        self.do("POST /grants/{grant_id}/end", grant_id=grant["id"])
        watched = {"on": "spend", "subject": {"customer_id": customer_id}, "thresholds": [10]}
        alert = self.do("POST /alerts", watched)
        self.do("DELETE /alerts/{alert_id}", alert_id=alert["id"])
        path = "/customers/{customer_id}/grant-rules"
        its = {"customer_id": customer_id}
        rule = self.do(f"POST {path}", granted | {"interval": "month"}, **its)
        self.do(f"DELETE {path}/{{grant_rule_id}}", grant_rule_id=rule["id"], **its)
        caps = {"max_count": {"day": 1, "month": 9}, "max_amount": {"day": 500, "month": 4500}}
        rule = {"unit": "TOKENS", "threshold": 100, "step": 500} | caps
        price = {"price": {"amount": "0.01", "currency": "USD"}}
        path = "/customers/{customer_id}/top-up-rules"
        its = {"customer_id": customer_id}
        its["rule_id"] = self.do(f"POST {path}", rule | price, customer_id=customer_id)["id"]
        self.do(f"PATCH {path}/{{rule_id}}", {"enabled": False}, **its)

    def attach_add_on(self, subscription_id: str) -> None:
        """An add-on is attached, there are more of it, and it ends."""
        path = "/subscriptions/{subscription_id}/add-ons"
        its = {"subscription_id": subscription_id}
        its["add_on_id"] = self.do(f"POST {path}", {"charge": {"unit_price": 5}}, **its)["id"]
        self.do(f"PATCH {path}/{{add_on_id}}", {"quantity": 2}, **its)
        self.do(f"DELETE {path}/{{add_on_id}}", **its)

    def redeem_coupon(self, customer_id: str) -> None:
        """A coupon is made, redeemed, taken from the customer, and withdrawn."""
        coupon_id = self.do("POST /coupons", {"code": "SPRING", "percent": 10})["id"]
        path = "/customers/{customer_id}/coupons"
        self.do(f"POST {path}", {"code": "SPRING"}, customer_id=customer_id)
        both = {"customer_id": customer_id, "coupon_id": coupon_id}
        self.do(f"DELETE {path}/{{coupon_id}}", **both)
        self.do("DELETE /coupons/{coupon_id}", coupon_id=coupon_id)

    def write_mails(self) -> None:
        """A template is written and taken back, and a mail tried."""
        path = "/email-templates/{kind}/{language}"
        texts = {"subject": "{{ title }}", "text": "{{ headline }}", "html": "<p>x</p>"}
        for method, body in (("PUT", texts), ("DELETE", None)):
            self.do(f"{method} {path}", body, kind="invoice", language="de")
        self.do("POST /organization/test-email", {"to": "ops@lumenworks.test"})
