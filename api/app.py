"""The application: routers, errors, and what surrounds every request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api import openapi
from api.access.address_limits import AddressLimits
from api.access.attendance import ATTENDED, BILL_ATTENDED, Places
from api.access.password_threads import Passwords
from api.access.same_origin import SameOrigin
from api.context import AppContext
from api.ingestion.writer import UsageWriter
from api.reads.batched_reads import SharedReads
from api.reads.body_cache import KeptBodies
from api.reads.connections import ReadConnections
from api.reads.report_cache import KeptReport
from api.routers import (
    api_keys,
    audit,
    auth,
    credit_notes,
    customer_lists,
    customers,
    docs,
    entitlements,
    features,
    health,
    ingestion,
    invoice_actions,
    invoices,
    meters,
    organizations,
    plan_migration,
    plans,
    subscription_actions,
    subscription_lists,
    subscriptions,
    tax_rates,
    test_clocks,
    unbilled_usage,
    usage_corrections,
    workers,
)
from api.routers import metrics as metrics_route
from api.routers import usage as meter_usage
from api.transport import errors, paths
from api.transport.direct_routes import DirectRoutes
from api.transport.envelope import Surroundings
from api.transport.metrics import Metrics
from api.transport.number_texts import NumberTexts
from repositories.async_connections import connect
from repositories.entitlements.check_fingerprints import read_marks
from services.entitlements.cached_checks import CheckMemory

PREFIX = "/api/v1"

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

ROUTERS: tuple[APIRouter, ...] = (
    auth.router,
    api_keys.router,
    organizations.router,
    features.router,
    meters.router,
    plans.router,
    plan_migration.router,
    customers.router,
    customer_lists.router,
    entitlements.router,
    tax_rates.router,
    subscriptions.router,
    subscription_actions.router,
    subscription_lists.router,
    invoices.router,
    invoice_actions.router,
    credit_notes.router,
    test_clocks.router,
    meter_usage.router,
    unbilled_usage.router,
    usage_corrections.router,
    audit.router,
    workers.router,
)


BILLING = (subscription_actions.router, plan_migration.router)
"""Routers whose changes may bill many periods at once."""


def _include_all() -> APIRouter:
    routes = APIRouter()
    # Visitors take places one step at a time, so that none is held while a password is compared.
    routes.include_router(auth.router, prefix=PREFIX)
    for router in ROUTERS[1:]:
        attended = BILL_ATTENDED if router in BILLING else ATTENDED
        routes.include_router(router, prefix=PREFIX, dependencies=[attended])
    routes.include_router(health.router)
    routes.include_router(metrics_route.router)
    routes.include_router(workers.router, include_in_schema=False, dependencies=[ATTENDED])
    routes.include_router(docs.router)
    return routes


ROUTES = _include_all()
"""Every route but those of ingestion. FastAPI prepares a route when it is first needed, which
takes a quarter of a second for all of them, so the applications of a process share them."""


def create_app(context: AppContext, *, lifespan: Lifespan | None = None) -> FastAPI:
    """The application on a context; ``lifespan`` opens and closes what the process holds."""
    metrics = Metrics()
    app = Application(
        front=DirectRoutes([*ingestion.make_routes(PREFIX), *entitlements.make_routes(PREFIX)]),
        # The first is the outermost.
        middleware=[
            Middleware(Surroundings, metrics=metrics),
            Middleware(NumberTexts),
            Middleware(SameOrigin, public_url=context.public_url),
        ],
        title="Fluxrate",
        summary="Usage billing: meters, plans, subscriptions and invoices.",
        version="0.1.0",
        lifespan=partial(_serve, lifespan or _nothing_to_open),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=[*ingestion.make_routes(PREFIX), *ROUTES.routes],
    )
    app.state.context = context
    app.state.metrics = metrics
    app.state.worker_report = KeptReport()
    app.state.places = Places(context.transactions.connections)
    app.state.address_limits = AddressLimits(context.auth_per_minute)
    app.state.passwords = Passwords(context.security)
    app.state.usage_writer = UsageWriter(
        partial(connect, context.transactions.address), context.now
    )
    app.state.read_connections = ReadConnections(partial(connect, context.transactions.address))
    app.state.shared_checks = SharedReads(app.state.read_connections, read_marks)
    app.state.check_memory = CheckMemory()
    app.state.kept_bodies = KeptBodies()
    errors.install(app)
    openapi.install(app, ROUTERS, PREFIX)
    return app


class Application(FastAPI):
    """The framework, with the busiest routes in front of it and the same middleware around both."""

    def __init__(
        self, *, front: DirectRoutes, middleware: Sequence[Middleware], **rest: Any
    ) -> None:
        super().__init__(middleware=middleware, **rest)
        self._front = front
        self._surrounded_front: ASGIApp = front
        for around in reversed(middleware):
            self._surrounded_front = around.cls(
                self._surrounded_front, *around.args, **around.kwargs
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the front if it knows the route, else by the framework."""
        if scope["type"] == "http":
            if scope["method"] == "HEAD":
                send = paths.without_body(send)
            scope = paths.read_address(scope)
        if self._front.find(scope):
            scope["app"] = self
            await self._surrounded_front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@asynccontextmanager
async def _serve(lifespan: Lifespan, app: FastAPI) -> AsyncIterator[None]:
    async with lifespan(app):
        yield
        await app.state.usage_writer.close()
        await app.state.shared_checks.close()
        await app.state.read_connections.close()
        app.state.passwords.close()


@asynccontextmanager
async def _nothing_to_open(_app: FastAPI) -> AsyncIterator[None]:
    yield
