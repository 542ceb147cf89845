"""Who may do what: each operation with the least credentials that it takes (CONTRACT 3, 7, 65)."""

from __future__ import annotations

ACCESS = """
anybody        POST   /api/v1/auth/signup
anybody        POST   /api/v1/auth/login
anybody        POST   /api/v1/auth/refresh
anybody        POST   /api/v1/auth/logout
anybody        POST   /api/v1/auth/accept-invitation
anybody        POST   /api/v1/auth/request-reset
anybody        POST   /api/v1/auth/reset
session        POST   /api/v1/auth/change-password
session        GET    /api/v1/auth/me
session        GET    /api/v1/auth/sessions
session        DELETE /api/v1/auth/sessions
session        DELETE /api/v1/auth/sessions/{session_id}
session        GET    /api/v1/auth/totp
session        POST   /api/v1/auth/totp
session        POST   /api/v1/auth/totp/confirm
session        POST   /api/v1/auth/totp/recovery-codes
session        POST   /api/v1/auth/totp/disable
manager        GET    /api/v1/members
manager        GET    /api/v1/members/{member_id}
manager        PATCH  /api/v1/members/{member_id}
manager        DELETE /api/v1/members/{member_id}
manager        DELETE /api/v1/members/{member_id}/sessions
manager        POST   /api/v1/invitations
manager        GET    /api/v1/invitations
manager        GET    /api/v1/invitations/{invitation_id}
manager        POST   /api/v1/invitations/{invitation_id}/resend
manager        DELETE /api/v1/invitations/{invitation_id}
manager        POST   /api/v1/api-keys
manager        GET    /api/v1/api-keys
manager        DELETE /api/v1/api-keys/{key_id}
billing.read   GET    /api/v1/requests
billing.read   GET    /api/v1/requests/problems
billing.read   GET    /api/v1/organization
manager        POST   /api/v1/organization/rotate-receipt-key
manager        POST   /api/v1/organization/sandbox
manager        PATCH  /api/v1/organization
billing.write  POST   /api/v1/features
billing.read   GET    /api/v1/features
billing.read   GET    /api/v1/features/{feature_id}
billing.write  PATCH  /api/v1/features/{feature_id}
billing.write  DELETE /api/v1/features/{feature_id}
billing.write  POST   /api/v1/meters
billing.read   GET    /api/v1/meters
billing.read   GET    /api/v1/meters/{meter_id}
billing.write  PATCH  /api/v1/meters/{meter_id}
billing.write  DELETE /api/v1/meters/{meter_id}
billing.read   GET    /api/v1/search
billing.write  POST   /api/v1/plans
billing.read   GET    /api/v1/plans
billing.read   GET    /api/v1/plans/{plan_id}
billing.read   GET    /api/v1/plans/{plan_id}/changes
billing.read   GET    /api/v1/plans/{plan_id}/versions/{version}/subscriptions
billing.write  PATCH  /api/v1/plans/{plan_id}
billing.write  PUT    /api/v1/plans/{plan_id}
billing.write  DELETE /api/v1/plans/{plan_id}
billing.write  POST   /api/v1/plans/{plan_id}/migrate
billing.read   POST   /api/v1/plans/{plan_id}/price
billing.read   POST   /api/v1/plans/{plan_id}/preview-edit
billing.write  POST   /api/v1/plans/{plan_id}/charges
billing.write  PATCH  /api/v1/plans/{plan_id}/charges/{charge_id}
billing.write  POST   /api/v1/plans/{plan_id}/commitments
billing.read   GET    /api/v1/plans/{plan_id}/commitments
billing.write  DELETE /api/v1/plans/{plan_id}/commitments/{commitment_id}
billing.write  POST   /api/v1/plans/{plan_id}/features
billing.write  PATCH  /api/v1/plans/{plan_id}/features/{plan_feature_id}
billing.write  DELETE /api/v1/plans/{plan_id}/features/{plan_feature_id}
billing.write  POST   /api/v1/customers
billing.read   GET    /api/v1/customers
billing.read   GET    /api/v1/customers/{customer_id}
billing.write  PATCH  /api/v1/customers/{customer_id}
billing.write  PUT    /api/v1/customers/{customer_id}
billing.write  DELETE /api/v1/customers/{customer_id}
billing.read   GET    /api/v1/customers/{customer_id}/subscriptions
billing.read   GET    /api/v1/customers/{customer_id}/invoices
billing.write  GET    /api/v1/customers/{customer_id}/personal-data
manager        POST   /api/v1/customers/{customer_id}/erase
billing.write  POST   /api/v1/tax-rates
billing.read   GET    /api/v1/tax-rates
billing.read   GET    /api/v1/tax-rates/{tax_rate_id}
billing.write  DELETE /api/v1/tax-rates/{tax_rate_id}
billing.write  POST   /api/v1/subscriptions
billing.read   GET    /api/v1/subscriptions
billing.read   GET    /api/v1/subscriptions/{subscription_id}
billing.write  PATCH  /api/v1/subscriptions/{subscription_id}
billing.write  DELETE /api/v1/subscriptions/{subscription_id}
billing.write  POST   /api/v1/subscriptions/{subscription_id}/cancel
billing.write  POST   /api/v1/subscriptions/{subscription_id}/reactivate
billing.write  POST   /api/v1/subscriptions/{subscription_id}/pause
billing.write  POST   /api/v1/subscriptions/{subscription_id}/resume
billing.write  POST   /api/v1/subscriptions/{subscription_id}/change-plan
billing.read   POST   /api/v1/subscriptions/{subscription_id}/preview-invoice
billing.write  POST   /api/v1/subscriptions/{subscription_id}/generate-invoice
billing.read   GET    /api/v1/subscriptions/{subscription_id}/timeline
billing.read   GET    /api/v1/subscriptions/{subscription_id}/invoices
billing.write  POST   /api/v1/subscriptions/{subscription_id}/add-ons
billing.read   GET    /api/v1/subscriptions/{subscription_id}/add-ons
billing.read   GET    /api/v1/subscriptions/{subscription_id}/add-ons/{add_on_id}
billing.write  PATCH  /api/v1/subscriptions/{subscription_id}/add-ons/{add_on_id}
billing.write  DELETE /api/v1/subscriptions/{subscription_id}/add-ons/{add_on_id}
billing.write  POST   /api/v1/subscriptions/{subscription_id}/periods/{period_index}/retry
billing.write  POST   /api/v1/subscriptions/{subscription_id}/periods/{period_index}/skip
billing.read   GET    /api/v1/invoices
billing.write  POST   /api/v1/invoices
billing.read   GET    /api/v1/invoices/{invoice_id}
billing.write  PUT    /api/v1/invoices/{invoice_id}
billing.write  DELETE /api/v1/invoices/{invoice_id}
billing.read   GET    /api/v1/invoices/{invoice_id}/text
billing.write  POST   /api/v1/invoices/{invoice_id}/finalize
billing.write  POST   /api/v1/invoices/{invoice_id}/pay
billing.write  PATCH  /api/v1/invoices/{invoice_id}/status
billing.write  POST   /api/v1/invoices/{invoice_id}/reissue
billing.read   GET    /api/v1/invoices/{invoice_id}/lines/{line_id}/explain
billing.write  POST   /api/v1/invoices/{invoice_id}/credit-notes
billing.read   GET    /api/v1/invoices/{invoice_id}/credit-notes
billing.read   GET    /api/v1/credit-notes/{credit_note_id}
billing.read   GET    /api/v1/invoices/{invoice_id}/payments
billing.write  POST   /api/v1/invoices/{invoice_id}/payments
billing.read   GET    /api/v1/payments
billing.read   GET    /api/v1/payments/{payment_id}
billing.read   GET    /api/v1/payments/{payment_id}/refunds
billing.write  POST   /api/v1/payments/{payment_id}/refund
billing.read   GET    /api/v1/exports/journal
billing.read   GET    /api/v1/customers/{customer_id}/account
billing.write  POST   /api/v1/customers/{customer_id}/account/write-off
billing.write  POST   /api/v1/units
billing.read   GET    /api/v1/units
billing.write  POST   /api/v1/customers/{customer_id}/grants
billing.read   GET    /api/v1/customers/{customer_id}/grants
billing.read   GET    /api/v1/customers/{customer_id}/balance
billing.read   GET    /api/v1/customers/{customer_id}/ledger
billing.read   GET    /api/v1/grants/{grant_id}
billing.write  POST   /api/v1/grants/{grant_id}/end
billing.write  POST   /api/v1/coupons
billing.read   GET    /api/v1/coupons
billing.read   GET    /api/v1/coupons/{coupon_id}
billing.write  DELETE /api/v1/coupons/{coupon_id}
billing.write  POST   /api/v1/customers/{customer_id}/coupons
billing.read   GET    /api/v1/customers/{customer_id}/coupons
billing.write  DELETE /api/v1/customers/{customer_id}/coupons/{coupon_id}
billing.write  POST   /api/v1/alerts
billing.read   GET    /api/v1/alerts
billing.read   GET    /api/v1/alerts/{alert_id}/crossings
billing.write  DELETE /api/v1/alerts/{alert_id}
billing.write  POST   /api/v1/customers/{customer_id}/grant-rules
billing.read   GET    /api/v1/customers/{customer_id}/grant-rules
billing.write  DELETE /api/v1/customers/{customer_id}/grant-rules/{grant_rule_id}
billing.write  POST   /api/v1/customers/{customer_id}/top-up-rules
billing.read   GET    /api/v1/customers/{customer_id}/top-up-rules
billing.write  PATCH  /api/v1/customers/{customer_id}/top-up-rules/{rule_id}
billing.read   GET    /api/v1/customers/{customer_id}/top-ups
billing.read   GET    /api/v1/credits/deferred-revenue
billing.write  POST   /api/v1/credits/holds
billing.write  POST   /api/v1/credits/holds/{hold_id}/settle
billing.write  DELETE /api/v1/credits/holds/{hold_id}
billing.read   GET    /api/v1/reports/receivables
billing.read   GET    /api/v1/reports/failed-payments
billing.read   GET    /api/v1/reports/turnover
billing.read   GET    /api/v1/reports/scheduled-payments
billing.read   GET    /api/v1/credit-notes/{credit_note_id}/pdf
billing.read   GET    /api/v1/invoices/{invoice_id}/pdf
billing.read   GET    /api/v1/credit-notes/{credit_note_id}/ubl
billing.read   GET    /api/v1/invoices/{invoice_id}/ubl
billing.read   GET    /api/v1/credit-notes/{credit_note_id}/xrechnung
billing.read   GET    /api/v1/invoices/{invoice_id}/xrechnung
billing.write  POST   /api/v1/invoices/{invoice_id}/send-email
billing.read   GET    /api/v1/invoices/{invoice_id}/emails
billing.read   GET    /api/v1/emails
billing.read   GET    /api/v1/emails/{email_id}
billing.write  POST   /api/v1/emails/retry-failed
manager        POST   /api/v1/organization/test-email
billing.read   GET    /api/v1/email-templates
manager        PUT    /api/v1/email-templates/{kind}/{language}
manager        DELETE /api/v1/email-templates/{kind}/{language}
billing.write  POST   /api/v1/invoices/{invoice_id}/generate-token
billing.write  DELETE /api/v1/invoices/{invoice_id}/public-token
usage.write    POST   /api/v1/widget/token
billing.write  POST   /api/v1/connections
billing.read   GET    /api/v1/connections
billing.read   GET    /api/v1/connections/{connection_id}
billing.write  PATCH  /api/v1/connections/{connection_id}
billing.write  DELETE /api/v1/connections/{connection_id}
billing.read   GET    /api/v1/gateway-events
billing.read   GET    /api/v1/customers/{customer_id}/payment-methods
billing.write  DELETE /api/v1/customers/{customer_id}/payment-methods/{method_id}
anybody        POST   /api/v1/webhooks/{provider}/tenant_{organization_id}/{connection_id}
billing.write  POST   /api/v1/webhook-endpoints
billing.read   GET    /api/v1/webhook-endpoints
billing.read   GET    /api/v1/webhook-endpoints/{endpoint_id}
billing.write  PATCH  /api/v1/webhook-endpoints/{endpoint_id}
billing.write  DELETE /api/v1/webhook-endpoints/{endpoint_id}
billing.write  POST   /api/v1/webhook-endpoints/{endpoint_id}/rotate-secret
billing.read   GET    /api/v1/webhook-deliveries
billing.read   GET    /api/v1/webhook-deliveries/{delivery_id}
billing.write  POST   /api/v1/webhook-deliveries/{delivery_id}/replay
billing.read   GET    /api/v1/invoices/{invoice_id}/receipt
billing.read   GET    /api/v1/invoices/{invoice_id}/receipt.json
billing.read   GET    /api/v1/invoices/{invoice_id}/events.ndjson
billing.read   GET    /api/v1/invoices/{invoice_id}/events/{event_id}/proof
billing.read   POST   /api/v1/invoices/{invoice_id}/verify
billing.write  POST   /api/v1/test-clocks
billing.read   GET    /api/v1/test-clocks
billing.read   GET    /api/v1/test-clocks/{test_clock_id}
billing.write  DELETE /api/v1/test-clocks/{test_clock_id}
billing.write  POST   /api/v1/test-clocks/{test_clock_id}/advance
usage.read     GET    /api/v1/meters/{meter_id}/usage
usage.read     GET    /api/v1/meters/{meter_id}/stats
usage.read     GET    /api/v1/meters/{meter_id}/events
usage.read     GET    /api/v1/customers/{customer_id}/usage
usage.read     GET    /api/v1/subscriptions/{subscription_id}/usage
usage.read     GET    /api/v1/usage
usage.read     GET    /api/v1/usage/unbilled
usage.read     GET    /api/v1/usage/stream
any.read       GET    /api/v1/customers/{customer_id}/entitlements
any.read       GET    /api/v1/customers/{customer_id}/entitlements/{lookup_key}
usage.write    POST   /api/v1/usage
usage.write    POST   /api/v1/usage/batch
usage.write    POST   /api/v1/sdk/track
usage.write    POST   /api/v1/usage/{event_id}/void
usage.write    POST   /api/v1/usage/{event_id}/amend
billing.read   GET    /api/v1/audit
billing.read   GET    /api/v1/audit/coverage
billing.read   GET    /api/v1/audit/credits
billing.read   GET    /api/v1/audit/chain
billing.read   GET    /api/v1/exports/audit
anybody        GET    /api/v1/workers/health
anybody        GET    /verify/{receipt_id}.json
anybody        GET    /.well-known/fluxrate-keys.json
anybody        GET    /livez
anybody        GET    /health
anybody        GET    /readyz
anybody        GET    /metrics
anybody        GET    /status
"""

Operation = tuple[str, str]


def least_credentials() -> dict[Operation, str]:
    """The least credentials of every operation, by method and path."""
    rows = (line.split() for line in ACCESS.strip().splitlines())
    return {(method, path): least for least, method, path in rows}


ANYBODY = {"anybody"}
MEMBER = {"anybody", "any.read", "billing.read", "usage.read", "session"}
EVERYTHING = MEMBER | {"billing.write", "usage.write", "manager"}
REACH = {
    "nobody": ANYBODY,
    "key billing.read": {"anybody", "any.read", "billing.read"},
    "key billing.write": {"anybody", "any.read", "billing.read", "billing.write"},
    "key usage.read": {"anybody", "any.read", "usage.read"},
    "key usage.write": {"anybody", "any.read", "usage.read", "usage.write"},
    "read_only": MEMBER,
    "developer": MEMBER | {"usage.write"},
    "billing": MEMBER | {"billing.write"},
    "admin": EVERYTHING,
    "owner": EVERYTHING,
}
"""What each kind of credentials reaches."""

ROLES = ("owner", "admin", "billing", "developer", "read_only")
