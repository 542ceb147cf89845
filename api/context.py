"""What the composition root hands to the application, and what the application holds itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.requests import HTTPConnection

from api.access.address_limits import AddressLimits
from api.access.key_cache import KeyCache
from api.access.request_log import RequestLog
from api.admission.password_threads import Passwords
from api.admission.rates.counts import Counts
from api.admission.rates.policies import RateLimits, Rates
from api.admission.slots import Admission, RequestSlots
from api.admission.threads import ComputingThreads
from api.ingestion.spread import UsageSpread
from api.ingestion.tail import UsageTail
from api.ingestion.writer import TellResults, UsageWriter
from api.reads.batches import BatchedReads, DocumentBatches
from api.reads.body_cache import BodyCache
from api.reads.connections import ReadConnections
from api.reads.measures_cache import MeasuresCache
from api.reads.receipt_key_cache import ReceiptKeyCache
from api.reads.typeset_files import TypesetFiles
from api.reads.verdicts import VerdictCache
from api.reads.work_report_cache import WorkReportCache
from api.reads.written.previews import WrittenPreviews
from api.reads.written.views import WrittenViews
from api.transport.conditional.resources import Resource
from api.transport.metrics import Metrics
from billing.date_limits import BackdatingLimit
from billing.payments.gateways import Gateways, NoGateways
from repositories.asynchronous.connections import connect
from repositories.credits.holds import HoldAsked
from repositories.entitlements.balances import Holding, HoldingAsked, read_holdings
from repositories.entitlements.hold_groups import Placed, place_holds, wallet_of
from repositories.entitlements.revalidation import CheckQuestion, Revalidation, read_revalidations
from repositories.transactions import Transactions
from services.accounts.credentials import Security
from services.accounts.sessions import Sessions, TokenLifetimes
from services.accounts.sign_up_policy import SignUpPolicy
from services.entitlements.cached_checks import CheckCache
from services.operations.outbound import Outbound
from services.payments.asking import Desk
from services.portal.links import page_maker

TRANSACTION_SECONDS: Final = 1.9
SILENT_SECONDS: Final = 8.0
"""After as long without an answer the database counts as away; a group of events takes seconds."""
BALANCES_TOGETHER: Final = 10
"""Each looks up what is left of many grants, and whoever shares a statement waits for all of it."""
HOLDS_TOGETHER: Final = 10
"""A statement that is slow keeps no more of them waiting; each is placed alone then."""


async def _reachable() -> bool:
    """Nothing to reach."""
    return True


async def _unknown(_organization_id: UUID) -> set[UUID] | None:
    """Nobody to ask."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The application's surroundings, made once per process.

    ``reach_temporal`` and ``reach_schema`` answer the readiness probe. ``find_running`` says whose
    workflows run in an organization, None while the engine is away. ``auth_per_minute`` raises how
    often an address may sign up or fail to log in. A transaction of a request is given up after
    ``transaction_seconds``, so that its connection is back before two seconds are over
    (CONTRACT 89). What is counted is in ``registry``; where the process is one of several, they
    count in ``counters_directory``. Metrics and ``/status`` are shown to whoever shows the
    ``operator_token``, to everybody if there is none.
    """

    transactions: Transactions
    security: Security
    now: Callable[[], datetime]
    public_url: str = "http://127.0.0.1:8000"
    lifetimes: TokenLifetimes = field(default_factory=TokenLifetimes)
    sign_up_policy: SignUpPolicy = SignUpPolicy.OPEN
    auth_per_minute: int = 0
    rate_limits: RateLimits = field(default_factory=RateLimits)
    rates_file: Path | None = None
    """Where the processes of one API count requests together; without it each by itself."""
    rates_clock: Callable[[], int] = time.monotonic_ns
    """By which rates are counted: the same for all processes that count together."""
    transaction_seconds: float = TRANSACTION_SECONDS
    stream_seconds: float = 0.0
    """How long a stream of events lasts; where nobody listens on, it ends as it begins."""
    plain_cookie_names: bool = False
    """Whether sessions' cookies have their documented names over https as well."""
    has_subdomains_encrypted: bool = False
    """Whether browsers are told that every host below this one speaks https, too."""
    may_be_private: bool = False
    """Whether webhooks and mails may go to private addresses."""
    document_years: int = 10
    """How long the law wants issued documents kept, from the year after the last of a customer."""
    key_cache: KeyCache = field(default_factory=KeyCache)
    backdating: BackdatingLimit = field(default_factory=BackdatingLimit)
    reach_temporal: Callable[[], Awaitable[bool]] = field(default=_reachable)
    reach_schema: Callable[[], Awaitable[bool]] = field(default=_reachable)
    find_running: Callable[[UUID], Awaitable[set[UUID] | None]] = field(default=_unknown)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    counters_directory: str | None = None
    operator_token: str | None = None
    outbound: Outbound = Outbound.ON
    gateways: Gateways = field(default_factory=NoGateways)
    trace_events: TellResults | None = None
    """Is told, within its request, what became of reported events; None where nobody traces."""

    @property
    def desk(self) -> Desk:
        """What it takes to ask gateways."""
        return Desk(
            transactions=self.transactions,
            gateways=self.gateways,
            sealing=self.security.sealer,
            public_url=self.public_url,
            page_of=page_maker(self.public_url, self.security.new_secret, self.now),
            now=self.now,
        )

    def sessions_for(self, request: HTTPConnection) -> Sessions:
        """Sessions of people, recorded as of this request; whoever lets people in opens them."""
        request_id: str | None = getattr(request.state, "request_id", None)
        return Sessions(
            self.transactions,
            self.security,
            self.lifetimes,
            forget=self.key_cache.forget,
            request_id=request_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppState:
    """What an application shares between its requests."""

    context: AppContext
    resources: Mapping[str, Resource]
    """What can be read under an address of its own, by its template."""
    metrics: Metrics
    worker_report: WorkReportCache
    measures: MeasuresCache
    slots: RequestSlots
    rates: Rates
    address_limits: AddressLimits
    passwords: Passwords
    document_threads: ComputingThreads
    export_threads: ComputingThreads
    verdict_line: Admission
    webhook_line: Admission
    """For what gateways tell: nobody knows yet that it is they."""
    usage_tail: UsageTail
    usage_spread: UsageSpread
    usage_writer: UsageWriter
    read_connections: ReadConnections
    long_read_connections: ReadConnections
    """For lists and sums over events: who reads one thing, or checks, does not wait for them."""
    request_log: RequestLog
    batched_checks: BatchedReads[CheckQuestion, Revalidation | None]
    batched_documents: DocumentBatches
    batched_balances: BatchedReads[HoldingAsked, Holding | None]
    hold_connections: ReadConnections
    batched_holds: BatchedReads[HoldAsked, Placed | None]
    """Holds of a moment share a transaction; no check waits for them."""
    verdicts: VerdictCache = field(default_factory=VerdictCache)
    receipt_keys: ReceiptKeyCache = field(default_factory=ReceiptKeyCache)
    typeset_files: TypesetFiles = field(default_factory=TypesetFiles)
    check_cache: CheckCache = field(default_factory=CheckCache)
    body_cache: BodyCache = field(default_factory=BodyCache)
    written_views: WrittenViews = field(default_factory=WrittenViews)
    written_previews: WrittenPreviews = field(default_factory=WrittenPreviews)

    @classmethod
    def begin(cls, context: AppContext, resources: Mapping[str, Resource]) -> AppState:
        """Nothing is counted, cached or connected yet."""
        connect_usage = partial(
            connect, context.transactions.address, answer_seconds=SILENT_SECONDS
        )
        read_connections, hold_connections = (
            ReadConnections(connect_usage, plans_for_growth=True) for _ in range(2)
        )
        long_reads = ReadConnections(connect_usage)
        metrics = Metrics(context.registry, context.counters_directory)
        tail = UsageTail(context.stream_seconds)
        shared = context.rates_file
        counts = Counts.alone() if shared is None else Counts.shared(shared)
        return cls(
            context=context,
            resources=resources,
            metrics=metrics,
            worker_report=WorkReportCache(context.transactions, context.now),
            measures=MeasuresCache(context.transactions, context.now),
            slots=RequestSlots(context.transactions.connections),
            rates=Rates(context.rate_limits, counts, clock=context.rates_clock),
            address_limits=AddressLimits(context.auth_per_minute),
            passwords=Passwords(context.security),
            document_threads=ComputingThreads("documents"),
            export_threads=ComputingThreads("exports"),
            verdict_line=Admission(2, of_one=1, waiting_seconds=10.0, most_waiting=8),
            webhook_line=Admission(4, of_one=2),
            usage_tail=tail,
            usage_spread=UsageSpread(tail, read_connections),
            usage_writer=UsageWriter(
                connect_usage, context.now, metrics.count_events, context.trace_events, tail
            ),
            read_connections=read_connections,
            long_read_connections=long_reads,
            request_log=RequestLog(long_reads, context.now),
            batched_checks=BatchedReads(read_connections, read_revalidations),
            batched_documents=DocumentBatches(read_connections),
            batched_balances=BatchedReads(
                read_connections, read_holdings, most_together=BALANCES_TOGETHER, unlike=True
            ),
            hold_connections=hold_connections,
            batched_holds=BatchedReads(
                hold_connections, place_holds, most_together=HOLDS_TOGETHER, writes_to=wallet_of
            ),
        )

    async def close(self) -> None:
        """What waits is written; then connections and threads end."""
        await self.usage_writer.close()
        await self.request_log.close()
        await self.batched_checks.close()
        await self.batched_documents.close()
        await self.batched_balances.close()
        await self.batched_holds.close()
        await self.hold_connections.close()
        await self.read_connections.close()
        await self.long_read_connections.close()
        self.passwords.close()
        self.document_threads.close()
        self.export_threads.close()


def state_of(app: FastAPI) -> AppState:
    """What this application holds; nothing else reads its untyped state."""
    state: AppState = app.state.held
    return state


async def get_context(request: Request) -> AppContext:
    """The context of the application that answers this request.

    Asynchronous, as is all that routes depend on and that waits for nothing: anything else would
    have a thread for its moment.
    """
    return state_of(request.app).context


ContextDep = Annotated[AppContext, Depends(get_context)]
