"""P18: how long every page of the console takes, with much to look at.

    python -m benchmarks console.pages

Ten thousand customers with ten bills each, paid or not, and ten million events; the processes of
the API that ``fluxrate up`` begins on this machine, after a warm-up. The goal is of eight who look
at once. What two take, one a core, is shown: the rest is waiting for each other. So is the
processor time of a page, of the API and of PostgreSQL, which other load changes least.
``BENCHMARK_COPIES=49`` makes a tenth of it, ``BENCHMARK_PROCESSES`` says how many processes, and
``BENCHMARK_PAGES`` names the only pages that are looked at, with commas between.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Final

import psycopg

from benchmarks.console.copies import copy_customers
from benchmarks.console.sold import CUSTOMERS, House, set_up
from benchmarks.figures import Result, figure
from benchmarks.invoiced import get
from benchmarks.load import require_statuses, run_load
from benchmarks.servers import Served, make_database, running_api, running_apis, running_postgres
from benchmarks.waves import cpu_of
from console.workspace.routes import EVERY_PART, SHOWN
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.embedded.engines import EmbeddedPostgres
from runtime.processes.cores import default_api_processes
from services.operations.coverage import Coverage
from services.operations.kept_coverage import keep_coverage

COPIES: Final = int(os.environ.get("BENCHMARK_COPIES", "499"))
VIEWS: Final = int(os.environ.get("BENCHMARK_VIEWS", "200"))
PROCESSES: Final = int(os.environ.get("BENCHMARK_PROCESSES", "0")) or default_api_processes()
ONLY: Final = frozenset(filter(None, os.environ.get("BENCHMARK_PAGES", "").split(",")))
WARM_UPS: Final = 4
"""Connections are shared out by chance: so often all are made anew until no process is cold."""
FEW: Final = 2
MANY: Final = 8
GOAL_MILLISECONDS: Final = 100.0

PATIENT: Final = {"FLUXRATE_API_STATEMENT_SECONDS": "300"}
"""Ten bills at once are more than a request does on a busy machine."""

FROM_ONE_ADDRESS: Final = {"FLUXRATE_AUTH_PER_MINUTE": "1000000"}
"""All who look come from one address here, which has some hundred visitors' pages a minute."""

STREAMS: Final = ("/events/live", "/ingestion", "/progress")
"""What is told as it happens is never over."""
PARTS: Final = ("/derivation", "/unfolded", "/counted", *(one.path for one in EVERY_PART))
"""What scripts ask for, to put it into a page."""

BESIDE: Final = ("/counted",)
"""What counts everything there ever was, one after the other, while the page is there already: it
has no goal."""
QUERIES: Final = {"/credits": "?unit=TOKENS", "/search": "?q=customer-7"}
"""What pages are asked beside their address."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of a page where eight look at once, and of the same where two do.

    ``api`` and ``database`` are those of processor time that it takes of both.
    """

    p50: float
    p99: float
    p99_of_few: float
    api: float
    database: float


def measure() -> list[Result]:
    """The time of every page."""
    with running_postgres() as server:
        database_url = make_database(server)
        with running_api(database_url, **PATIENT) as url:
            house = set_up(url, database_url)
        copy_customers(database_url, COPIES)
        check_once(database_url)
        with running_apis(database_url, PROCESSES, **FROM_ONE_ADDRESS) as api:
            return show(time_pages(api, server, house))


def check_once(database_url: str) -> None:
    """What pages show of coverage is there, as after the first hour of an installation."""
    transactions = Transactions(create_application_engine(database_url, pool_size=1))
    with psycopg.connect(database_url) as connection:
        [(organization_id,)] = connection.execute("SELECT id FROM organization").fetchall()
    covered = Coverage(subscriptions=CUSTOMERS * (COPIES + 1), findings=())
    now = datetime.now(UTC)
    with transactions.for_organization(organization_id) as session:
        keep_coverage(session, organization_id, covered, owners_checked=True, now=now)


def time_pages(api: Served, server: EmbeddedPostgres, house: House) -> dict[str, Timed]:
    """Every page in turn, by its address."""
    session = {"Cookie": house.sign_in(api.url)}
    timed = {}
    for name, path in addresses(house.ids):
        if not ONLY or name in ONLY:
            script = {"HX-Request": "true"} if name.endswith(PARTS) else {}
            request = get(api.url, path, session | script)
            timed[name] = time_page(api, server, name, request)
    return timed


def time_page(api: Served, server: EmbeddedPostgres, name: str, request: bytes) -> Timed:
    """One page, looked at by many and by few."""

    def look(views: int, connections: int) -> Sequence[float]:
        load = run_load(api.url, [request] * views, connections=connections)
        require_statuses(load, 200, of=name)
        return load.latencies

    for _ in range(WARM_UPS):
        look(MANY, MANY)
    many = look(VIEWS, MANY)
    before = _used(api, server)
    few = look(VIEWS, FEW)
    of_api, of_database = (
        1000 * (after - began) / VIEWS
        for began, after in zip(before, _used(api, server), strict=True)
    )
    return Timed(1000 * median(many), _p99(many), _p99(few), of_api, of_database)


def _used(api: Served, server: EmbeddedPostgres) -> tuple[float, float]:
    """Seconds of processor time that the API and PostgreSQL have used so far."""
    return cpu_of([api.pid]), cpu_of(server.pids)


def _p99(latencies: Sequence[float]) -> float:
    """In milliseconds."""
    return 1000 * quantiles(latencies, n=100)[98]


def addresses(ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every page, with the id of something in the place of its ``{id}``."""
    for template in SHOWN:
        if template.endswith(STREAMS):
            continue
        path = template.replace("{line}", ids["lines"])
        if "{id}" in path:
            path = path.replace("{id}", ids[template.split("/")[2]])
        query = next((one for end, one in QUERIES.items() if template.endswith(end)), "")
        yield template, path + query


def show(timed: Mapping[str, Timed]) -> list[Result]:
    """P18: the slowest page, and each."""
    slowest = max(
        (one for one in timed if not one.endswith(BESIDE)), key=lambda one: timed[one].p99
    )
    customers = CUSTOMERS * (COPIES + 1)
    results = [
        _row("P18", f"the slowest page with {customers:,} customers: {slowest}", timed[slowest])
    ]
    each = [_row(f"P18.{place:02}", name, one) for place, (name, one) in enumerate(timed.items())]
    return [*results, *each]


def _row(identifier: str, name: str, timed: Timed) -> Result:
    return figure(
        identifier,
        f"{name}, 99th percentile; half within {timed.p50:.0f} ms; {FEW} at once"
        f" {timed.p99_of_few:.0f} ms; CPU {timed.api:.1f} and {timed.database:.1f} ms",
        value=timed.p99,
        unit="ms",
        limit=GOAL_MILLISECONDS,
        ratio=timed.p99 / GOAL_MILLISECONDS,
        goal="shown" if name.endswith(BESIDE) else f"≤ {GOAL_MILLISECONDS:.0f} ms",
        met=None if name.endswith(BESIDE) else timed.p99 <= GOAL_MILLISECONDS,
    )
