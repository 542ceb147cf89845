"""The application: routers, errors, and what surrounds every request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from api import openapi
from api.access.same_origin import SameOrigin
from api.application import Application
from api.context import AppContext, AppState, state_of
from api.routers import (
    customer_lists,
    customers,
    entitlements,
    ingestion,
    personal_data,
    portal,
    search,
    verify,
)
from api.routers.accounts import api_keys, audit, auth, links, members, organizations, own_account
from api.routers.catalog import (
    commitments,
    features,
    meters,
    plan_estimates,
    plan_history,
    plan_migration,
    plans,
    tax_rates,
)
from api.routers.credits import (
    alerts,
    balances,
    checks,
    deferred,
    grant_rules,
    grants,
    holds,
    top_ups,
    units,
)
from api.routers.discounts import coupons, redemptions
from api.routers.gateways import connections, events
from api.routers.gateways import webhooks as gateway_webhooks
from api.routers.invoicing import actions as invoice_actions
from api.routers.invoicing import credit_notes, documents, invoices, proofs
from api.routers.mail import emails
from api.routers.mail import templates as email_templates
from api.routers.operations import docs, health, status, webhooks, workers
from api.routers.operations import errors as errors_page
from api.routers.operations import metrics as metrics_route
from api.routers.payments import books, payments
from api.routers.subscriptions import actions as subscription_actions
from api.routers.subscriptions import add_ons, subscriptions, test_clocks
from api.routers.subscriptions import lists as subscription_lists
from api.routers.usage import corrections as usage_corrections
from api.routers.usage import reports as meter_usage
from api.routers.usage import stream as usage_stream
from api.routers.usage import unbilled as unbilled_usage
from api.transport import errors
from api.transport.conditional.answers import ConditionalAnswers
from api.transport.conditional.resources import list_resources
from api.transport.envelope import RequestMiddleware
from api.transport.fast_path import FastRoute, FastRoutes
from api.transport.number_texts import NumberTexts
from api.transport.route import Router
from api.transport.urls.sections import Sections, template_of

PREFIX = "/api/v1"

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

ROUTERS: tuple[Router, ...] = (
    auth.router,
    links.router,
    own_account.router,
    members.router,
    api_keys.router,
    api_keys.requests,
    organizations.router,
    features.router,
    meters.router,
    plans.router,
    plan_migration.router,
    plan_estimates.router,
    plan_history.router,
    commitments.router,
    customers.router,
    customer_lists.router,
    search.router,
    personal_data.router,
    entitlements.router,
    tax_rates.router,
    subscriptions.router,
    subscription_actions.router,
    subscription_lists.router,
    add_ons.router,
    invoices.router,
    invoice_actions.router,
    credit_notes.router,
    documents.router,
    proofs.router,
    payments.router,
    books.router,
    units.router,
    grants.router,
    balances.router,
    holds.router,
    alerts.router,
    grant_rules.router,
    top_ups.router,
    deferred.router,
    checks.router,
    coupons.router,
    redemptions.router,
    emails.router,
    email_templates.router,
    portal.router,
    test_clocks.router,
    meter_usage.router,
    meter_usage.counting,
    unbilled_usage.router,
    usage_stream.router,
    usage_corrections.router,
    webhooks.endpoints,
    webhooks.deliveries,
    connections.router,
    events.router,
    gateway_webhooks.router,
    audit.router,
    audit.exports,
    workers.router,
)


FAST_ROUTERS = (
    entitlements.router,
    invoices.router,
    customers.router,
    subscriptions.router,
    subscription_actions.router,
    plans.router,
    proofs.router,
    subscription_lists.router,
    customer_lists.router,
    payments.router,
    credit_notes.router,
    add_ons.router,
    webhooks.endpoints,
    webhooks.deliveries,
    grant_rules.router,
    holds.router,
    balances.router,
    own_account.router,
    auth.router,
)
"""Those of which some routes are answered in front of the framework, the busiest first."""


BESIDE = (
    health.router,
    metrics_route.router,
    status.router,
    workers.router,
    docs.router,
    errors_page.router,
    verify.router,
)
"""What is not below the prefix. Workers are below both, and told of in the document once."""


def _include_all() -> Router:
    routes = Router(admission=None)
    for router in ROUTERS:
        routes.include_router(router, prefix=PREFIX)
    for router in BESIDE:
        routes.include_router(router, include_in_schema=router is not workers.router)
    return routes


@cache
def _fast_routes() -> Sequence[FastRoute]:
    """They hold nothing of an application, and what they take of a query costs milliseconds."""
    return tuple(route for router in FAST_ROUTERS for route in router.make_fast_routes(PREFIX))


ROUTES = _include_all()
"""Every route but those of ingestion. FastAPI prepares a route when it is first needed, which
takes a quarter of a second for all of them, so the applications of a process share them."""

TEMPLATES = {
    id(included): [prefix + template_of(route) for route in router.routes]
    for included, (prefix, router) in zip(
        ROUTES.routes,
        [*((PREFIX, one) for one in ROUTERS), *(("", one) for one in BESIDE)],
        strict=True,
    )
}
"""The paths of what is included."""

RESOURCES = list_resources(
    (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)), PREFIX
)

ADDRESSES = sorted(
    (method, f"{PREFIX}{route.path}")
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
) + [("POST", route.path) for route in ingestion.make_routes(PREFIX)]
"""Method and path of every operation: an address that leads nowhere may be near to one."""


ABOUT: Final[dict[str, Any]] = {
    "title": "Fluxrate",
    "summary": "Usage billing: meters, plans, subscriptions and invoices.",
    "version": "0.1.0",
}


def describe() -> dict[str, Any]:
    """The OpenAPI document, without anything that a server needs."""
    app = FastAPI(**ABOUT, openapi_url=None, routes=ROUTES.routes)
    openapi.install(app, ROUTERS, PREFIX)
    return app.openapi()


def create_app(
    context: AppContext,
    *,
    lifespan: Lifespan | None = None,
    pages: Sequence[BaseRoute] = (),
    around: Sequence[Middleware] = (),
) -> FastAPI:
    """The application on a context; ``lifespan`` opens and closes what the process holds.

    ``pages`` are the routes of the pages for people (``console``). ``around`` is what surrounds
    even what surrounds every request.
    """
    state = AppState.begin(context, RESOURCES)
    app = Application(
        public_url=context.public_url,
        addresses=ADDRESSES,
        front=FastRoutes([*ingestion.make_routes(PREFIX), *_fast_routes()]),
        # The first is the outermost.
        middleware=[
            *around,
            Middleware(
                RequestMiddleware,
                metrics=state.metrics,
                rates=state.rates,
                request_log=state.request_log,
                has_subdomains_encrypted=context.has_subdomains_encrypted,
            ),
            Middleware(ConditionalAnswers),
            Middleware(NumberTexts),
            Middleware(SameOrigin, public_url=context.public_url),
        ],
        **ABOUT,
        lifespan=partial(_serve, lifespan or _nothing_to_open),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=[*ingestion.make_routes(PREFIX), *ROUTES.routes, *pages],
    )
    app.state.held = state
    errors.install(app)
    openapi.install(app, ROUTERS, PREFIX)
    app.router.middleware_stack = Sections(app.router, TEMPLATES)
    return app


@asynccontextmanager
async def _serve(lifespan: Lifespan, app: FastAPI) -> AsyncIterator[None]:
    async with lifespan(app):
        yield
        await state_of(app).close()


@asynccontextmanager
async def _nothing_to_open(_app: FastAPI) -> AsyncIterator[None]:
    yield
