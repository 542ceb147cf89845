"""The API's composition root: settings become an application with its connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from api import visits
from api.access.key_cache import KeyCache
from api.admission.rates.own_limits import OwnLimits
from api.admission.rates.policies import RateLimits
from api.app import create_app
from api.context import AppContext, state_of
from api.transport.envelope import route_of
from billing.date_limits import BackdatingLimit
from cli.local.temporal_links import link_questions
from console.dependencies import Dependencies
from console.routes import make_routes
from integrations.gateways.sandbox.page.routes import Handler
from integrations.gateways.sandbox.server import SandboxServer
from repositories.accounts.api_keys import REVOCATIONS
from repositories.accounts.limits import CHANGES
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.database.schema import is_current
from runtime.hashing import PasswordHasher
from runtime.measuring.counters import BillingCounters
from runtime.measuring.files import find_counters_directory
from runtime.observability.switch import begin_traces, carried_of, deliveries_of, end_traces
from runtime.payment_gateways import install_gateways
from runtime.processes.interpreter import relax_garbage_collection, take_turns_quickly
from runtime.relays.together import notifications_for, relays_of
from runtime.sealing import carried_by
from runtime.security import Security
from runtime.settings import Settings
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect_by
from services.accounts.sessions import TokenLifetimes
from services.accounts.sign_up_policy import SignUpPolicy
from services.operations.outbound import Outbound
from services.rating.alerts.looking import look_at_moved_credit

LISTING_SECONDS = 10
"""How long a request waits for the list of workflows."""


SPARE_CONNECTIONS = 5
"""What the probes and the relays take while requests hold all others."""


FOR_EVER_SECONDS = 24 * 3600


def now() -> datetime:
    """The wall clock, read at this edge and handed down."""
    return datetime.now(UTC)


def _no_links() -> list[tuple[str, str]]:
    return []


def pages_of(
    context: AppContext, link_temporal: Callable[[], list[tuple[str, str]]] = _no_links
) -> list[BaseRoute]:
    """The pages for people, served by the API's process in its slots and threads."""
    return make_routes(
        Dependencies(
            transactions=context.transactions,
            security=context.security,
            now=context.now,
            public_url=context.public_url,
            count=visits.count_page,
            work=visits.work_for,
            list_entitlements=visits.list_entitlements,
            typeset=visits.typeset,
            judge=visits.judge,
            link_temporal=link_temporal,
            is_quiet=context.outbound is Outbound.OFF,
        )
    )


def sandbox_pages_of(server: SandboxServer | None) -> list[BaseRoute]:
    """The pages of the sandbox gateway, if it is in this process: counted as others are."""

    def counted(handle: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            await visits.count_page(request)
            return await handle(request)

        return answer

    return [] if server is None else [*server.pages(counted)]


class ApiProcess:
    """What one API process holds open: database, Temporal, relay. Temporal may be away.

    ``passwords`` sets the cost of a guess at a password, by default what is recommended.
    """

    def __init__(
        self,
        settings: Settings,
        database_url: str,
        temporal_address: str,
        *,
        passwords: PasswordHasher | None = None,
        temporal_runtime: Runtime | None = None,
    ) -> None:
        """``temporal_runtime`` is what the client is connected with, by default the library's."""
        self._temporal_runtime = temporal_runtime
        self._settings = settings
        self._temporal_address = temporal_address
        self.engine: Engine = create_application_engine(
            database_url,
            pool_size=settings.database_pool_size,
            spare=SPARE_CONNECTIONS,
            statement_seconds=settings.api_statement_seconds,
        )
        if settings.secret_key is None:
            raise SystemExit(
                "Set FLUXRATE_SECRET_KEY to at least 32 random characters, for example from"
                " `openssl rand -hex 32`; it signs access tokens."
            )
        self._security = Security(
            settings.secret_key.get_secret_value(),
            previous_secret_keys=settings.former_secret_keys,
            passwords=passwords,
            code_tolerance_steps=settings.totp_tolerance_steps,
        )
        self._traces = begin_traces(settings, "api")
        if self._traces is not None:
            self._traces.watch(self.engine)
        self.transactions = Transactions(
            self.engine,
            carried_by(settings) | carried_of(self._traces),
            before_commit=look_at_moved_credit,
        )
        self._gateways = install_gateways(self.engine, settings, now=now)
        self._counters_directory = find_counters_directory()
        self._registry = CollectorRegistry()
        # Where processes share files of counters, none registers its own.
        self._counters = BillingCounters(None if self._counters_directory else self._registry)
        self._client: Client | None = None
        self._keys = KeyCache()

    def build(self) -> FastAPI:
        """The application, which opens the connections when it starts to serve."""
        context = AppContext(
            transactions=self.transactions,
            security=self._security,
            now=now,
            public_url=self._settings.public_url,
            lifetimes=TokenLifetimes(
                access_seconds=self._settings.access_token_seconds,
                refresh_seconds=self._settings.refresh_token_seconds,
                session_seconds=self._settings.session_seconds,
            ),
            backdating=BackdatingLimit(days=self._settings.max_backdate_days),
            key_cache=self._keys,
            plain_cookie_names=self._settings.plain_cookie_names,
            has_subdomains_encrypted=self._settings.hsts_subdomains,
            may_be_private=self._settings.allow_private_webhooks,
            reach_temporal=self.reach_temporal,
            reach_schema=self.reach_schema,
            find_running=self.find_running,
            gateways=self._gateways.registry,
            registry=self._registry,
            counters_directory=self._counters_directory,
            outbound=self._settings.outbound,
            operator_token=self._settings.shown_operator_token,
            document_years=self._settings.document_retention_years,
            sign_up_policy=self._settings.signup or SignUpPolicy.FIRST,
            auth_per_minute=self._settings.auth_per_minute,
            rate_limits=RateLimits(
                per_key=self._settings.rate_per_caller,
                per_organization=self._settings.rate_per_organization,
                events_per_organization=self._settings.rate_of_events,
                replicas=self._settings.api_replicas,
            ),
            rates_file=self._rates_file,
            transaction_seconds=(self._settings.api_statement_seconds or FOR_EVER_SECONDS) - 0.1,
            stream_seconds=self._settings.stream_seconds,
            trace_events=None if self._traces is None else self._traces.accept_events,
        )
        pages = [
            *pages_of(context, self.link_temporal),
            *sandbox_pages_of(self._gateways.sandbox.server),
        ]
        return create_app(context, lifespan=self.serve, pages=pages, around=self._around())

    def _around(self) -> list[Middleware]:
        """Spans of requests, where there are traces."""
        if self._traces is None:
            return []
        from runtime.observability.requests import TracedRequests

        return [Middleware(TracedRequests, traces=self._traces, route_of=route_of)]

    @asynccontextmanager
    async def serve(self, app: FastAPI) -> AsyncIterator[None]:
        """Relay messages, and hear of revoked keys, while the application serves."""
        relax_garbage_collection()
        take_turns_quickly()
        self._client = await connect_by(
            self._settings,
            self._temporal_address,
            lazy=True,
            runtime=self._temporal_runtime,
            interceptors=[] if self._traces is None else [self._traces.of_temporal()],
        )
        workflows = SubscriptionWorkflows(
            self._client, task_queue=self._settings.task_queue, traces=self._traces
        )
        relays = relays_of(
            self.transactions,
            workflows,
            self._settings,
            self._gateways,
            self._counters,
            around=deliveries_of(self._traces),
        )
        own_limits = OwnLimits(self.transactions, state_of(app).rates)
        spread = state_of(app).usage_spread
        heard = {
            REVOCATIONS: lambda key_id: self._keys.forget(UUID(key_id)),
            CHANGES: own_limits.hear,
            **spread.hearers,
        }
        notifications = notifications_for(
            relays, self.transactions.address, heard, missed=own_limits.look
        )
        runs = [notifications.run(), own_limits.run(), spread.run(), *(one.run() for one in relays)]
        tasks = [asyncio.create_task(run) for run in runs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self.engine.dispose()
            await asyncio.to_thread(end_traces, self._traces)

    @property
    def _rates_file(self) -> Path | None:
        """What the processes of one API share, beside what they count for metrics."""
        directory = self._counters_directory
        return None if directory is None else Path(directory) / "rates"

    def link_temporal(self) -> list[tuple[str, str]]:
        """Ready questions to the Temporal Web UI, if the operator said where that is."""
        ui_url, namespace = self._settings.temporal_ui_url, self._settings.temporal_namespace
        return [] if ui_url is None else link_questions(ui_url, namespace=namespace, now=now())

    async def reach_temporal(self) -> bool:
        """Whether Temporal answers within a second."""
        if self._client is None:
            return False
        try:
            return await self._client.service_client.check_health(timeout=timedelta(seconds=1))
        except (RPCError, RuntimeError):
            return False

    async def find_running(self, organization_id: UUID) -> set[UUID] | None:
        """Whose workflows run in the organization; None if Temporal does not say so at once."""
        if self._client is None:
            return None
        workflows = SubscriptionWorkflows(self._client, task_queue=self._settings.task_queue)
        try:
            async with asyncio.timeout(LISTING_SECONDS):
                return await workflows.find_running(organization_id)
        except (RPCError, RuntimeError, TimeoutError):
            return None

    async def reach_schema(self) -> bool:
        """Whether the database answers and its schema is this program's. Raises if it is away."""
        return await asyncio.to_thread(self._has_current_schema)

    def _has_current_schema(self) -> bool:
        with self.transactions.for_organizations([]) as session:
            return is_current(session)
