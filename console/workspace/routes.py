"""The routes of the console."""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute, Route

from console.dependencies import Dependencies
from console.workspace import screens, signing
from console.workspace.alerts import screen as alerts
from console.workspace.billing_actions import ACTIONS
from console.workspace.catalogue import LISTINGS
from console.workspace.clocks import screen as clocks
from console.workspace.coupons import screen as coupons
from console.workspace.credits.screen import ACTIONS as CREDIT_ACTIONS
from console.workspace.credits.screen import show_credits, show_units
from console.workspace.frame import HOME, SEARCH, Show, screen
from console.workspace.live import derivations, undoing
from console.workspace.live.ingestion import show_ingestion
from console.workspace.live.palette import show_search
from console.workspace.live.progress import show_chain_progress, show_clock_progress
from console.workspace.live.tail import show_tail
from console.workspace.metering.importing import IMPORT, show_import, take_import
from console.workspace.metering.screen import ACTIONS as METER_ACTIONS
from console.workspace.metering.screen import show_counted, show_meter
from console.workspace.overview import screen as overview
from console.workspace.pricing import commitments
from console.workspace.pricing.screen import PRICES, save_prices, show_prices
from console.workspace.settings import account, keys, members, organization, requests
from console.workspace.setup import sign_up
from console.workspace.setup.screen import SETUP, show_setup, take_step
from console.workspace.subscriptions import screen as subscriptions
from console.workspace.subscriptions import terms
from console.workspace.webhooks import screen as webhooks

EVERY_PART: Final = (
    *overview.PARTS,
    *subscriptions.PARTS,
    *clocks.PARTS,
    *requests.PARTS,
)

SHOWN: Final[dict[str, Show]] = {
    HOME: overview.show_overview,
    **{HOME + one.path: one.show for one in EVERY_PART},
    SEARCH: show_search,
    f"{HOME}/events/live": show_tail,
    f"{HOME}/overview/ingestion": show_ingestion,
    f"{HOME}/test-clocks/{{id}}/progress": show_clock_progress,
    f"{HOME}/invoices/{{id}}/derivation": derivations.show_total,
    f"{HOME}/invoices/{{id}}/lines/{{line}}/derivation": derivations.show_amount,
    f"{HOME}/invoices/{{id}}/lines/{{line}}/unfolded": derivations.show_explanation,
    f"{HOME}/customers/{{id}}": screens.show_customer,
    f"{HOME}/subscriptions/{{id}}": subscriptions.show_subscription,
    f"{HOME}/invoices/{{id}}": screens.show_invoice,
    HOME + IMPORT: show_import,
    f"{HOME}/meters/{{id}}": show_meter,
    f"{HOME}/meters/{{id}}/counted": show_counted,
    f"{HOME}/plans/{{id}}": screens.show_plan,
    HOME + PRICES: show_prices,
    f"{HOME}/operations": screens.show_operations,
    f"{HOME}/test-clocks": clocks.show_clocks,
    HOME + clocks.CLOCK: clocks.show_clock,
    f"{HOME}/credits": show_units,
    f"{HOME}/customers/{{id}}/credits": show_credits,
    f"{HOME}/alerts": alerts.LISTING.show,
    f"{HOME}/alerts/{{id}}": alerts.show_crossings,
    HOME + alerts.OF_CUSTOMER: alerts.show_customer_alerts,
    f"{HOME}/coupons": coupons.show_coupons,
    HOME + coupons.COUPON: coupons.show_coupon,
    f"{HOME}/members": members.show_members,
    f"{HOME}/account": account.show_account,
    f"{HOME}/api-keys": keys.show_keys,
    f"{HOME}/requests": requests.show_requests,
    f"{HOME}/audit-chain": keys.show_chain,
    f"{HOME}/audit-chain/progress": show_chain_progress,
    f"{HOME}/organization": organization.show_organization,
    f"{HOME}/webhooks": webhooks.show_webhooks,
    f"{HOME}/webhooks/{{id}}": webhooks.show_delivery,
    SETUP: show_setup,
    **{f"{HOME}/{name}": listing.show for name, listing in LISTINGS.items()},
}
"""What each address shows."""

EVERY_ACTION: Final = (
    *ACTIONS,
    *undoing.FINAL,
    *members.ACTIONS,
    *account.ACTIONS,
    *keys.ACTIONS,
    *organization.ACTIONS,
    *CREDIT_ACTIONS,
    *METER_ACTIONS,
    *alerts.ACTIONS,
    *coupons.ACTIONS,
    *webhooks.ACTIONS,
    *commitments.ACTIONS,
    *terms.ACTIONS,
)

DONE: Final[dict[str, Show]] = {
    f"{HOME}/invoices/{{id}}/verify": screens.verify_invoice,
    f"{SETUP}/{{step}}": take_step,
    f"{HOME}/webhooks/replay": webhooks.replay_failed,
    HOME + IMPORT: take_import,
    HOME + PRICES: save_prices,
    **{HOME + one.action.path: one.do for one in undoing.UNDOABLE},
    **{HOME + one.path: one.do for one in EVERY_ACTION},
}
"""What is done where a form is sent to."""


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """Every screen, and what is done from them."""
    return [
        *signing.make_routes(dependencies),
        *sign_up.make_routes(dependencies),
        *(Route(path, screen(dependencies, show), methods=["GET"]) for path, show in SHOWN.items()),
        *(Route(path, screen(dependencies, do), methods=["POST"]) for path, do in DONE.items()),
    ]
