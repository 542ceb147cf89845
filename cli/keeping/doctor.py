"""``fluxrate doctor``: everything looked at once, each with a remedy."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from cli.keeping.findings import (
    Diagnosis,
    State,
    doubtful,
    good,
    judge_erasures,
    judge_outbound,
    judge_server,
    judge_space,
    judge_work,
    wrong,
)
from cli.keeping.histories import look_at_collector, look_at_histories
from cli.local.instance import Instance
from cli.output import make_console
from cli.requirements import without_password
from repositories.operations.server_facts import read_server_facts
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.database.schema import newest_revision
from runtime.setting_errors import InvalidSettings
from runtime.settings import Settings
from services.operations.measures import measure
from services.personal_data.unfinished import count_overdue

HISTORIES_SECONDS = 60.0

MARKS = {State.GOOD: "✓", State.DOUBTFUL: "?", State.WRONG: "✗"}


def doctor(data_dir: Path | None) -> int:
    """Print what was found; return 1 if something is wrong."""
    console = make_console()
    table = Table("", "What", "Seen", "Remedy")
    found = []
    for one in _look(data_dir):
        found.append(one)
        table.add_row(MARKS[one.state], one.subject, one.seen, one.remedy)
    console.print(table)
    counts = {state: sum(one.state is state for one in found) for state in State}
    console.print(f"{counts[State.WRONG]} wrong, {counts[State.DOUBTFUL]} doubtful.")
    return 1 if counts[State.WRONG] else 0


def _look(data_dir: Path | None) -> Iterator[Diagnosis]:
    yield good("Version", f"Fluxrate {version('fluxrate')}, Python {sys.version.split()[0]}")
    try:
        settings = Settings()
    except InvalidSettings as invalid:
        yield wrong("Settings", str(invalid), "Correct it; docs/operators/running.md has all.")
        return
    yield _judge_settings(settings)
    if settings.otlp_endpoint is not None:
        yield look_at_collector(settings.otlp_endpoint)
    instance = Instance((data_dir or settings.data_dir).absolute())
    addresses = instance.addresses() if data_dir or not settings.database_url else None
    yield judge_outbound(settings.outbound if addresses is None else addresses.outbound)
    database_url = settings.database_url if addresses is None else addresses.database_url
    temporal = settings.temporal_address if addresses is None else addresses.temporal_address
    place = instance.data_dir if instance.data_dir.exists() else Path.cwd()
    space = shutil.disk_usage(place)
    yield judge_space(str(place), space.free, space.total)
    if database_url is None:
        yield wrong(
            "Database",
            f"nothing runs from {instance.data_dir}, and DATABASE_URL is not set",
            "Start `fluxrate up`, or set DATABASE_URL.",
        )
        return
    yield from _look_at_database(database_url)
    if temporal is not None:
        yield from asyncio.run(_look_at_temporal(temporal, settings))


def _judge_settings(settings: Settings) -> Diagnosis:
    if settings.production:
        return good("Settings", "they are those of a production installation")
    return doubtful(
        "Settings",
        "they are readable, and sample secrets are not refused",
        "Set FLUXRATE_PRODUCTION=true where customers are billed.",
    )


def _look_at_database(url: str) -> Iterator[Diagnosis]:
    engine = create_application_engine(url, pool_size=1)
    transactions = Transactions(engine)
    try:
        with transactions.for_organizations([]) as session:
            facts = read_server_facts(session)
        yield from judge_server(facts, newest=newest_revision(), now=datetime.now(UTC))
        if facts.revision == newest_revision():
            yield from judge_work(measure(transactions, now=datetime.now(UTC)))
            yield judge_erasures(count_overdue(transactions, now=datetime.now(UTC)))
    except SQLAlchemyError as error:
        said = str(error.__cause__ or error).strip().splitlines()[0]
        yield wrong(
            "Database",
            f"{without_password(url)}: {said}",
            "Start it, correct DATABASE_URL, or run `fluxrate migrate` if it is new.",
        )
    finally:
        engine.dispose()


async def _look_at_temporal(address: str, settings: Settings) -> list[Diagnosis]:
    from runtime.temporal import connect_by, list_search_attributes
    from workflows.names import SEARCH_ATTRIBUTES

    namespace = settings.temporal_namespace
    try:
        async with asyncio.timeout(5):
            client = await connect_by(settings, address)
            known = await list_search_attributes(client)
        async with asyncio.timeout(HISTORIES_SECONDS):
            histories = await look_at_histories(client, settings.shown_codec_keys)
    except (RPCError, RuntimeError, TimeoutError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = "Start it, or correct TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, FLUXRATE_TEMPORAL_…"
        return [wrong("Temporal", f"{address}, {namespace}: {said}", remedy)]
    missing = sorted(SEARCH_ATTRIBUTES.keys() - known)
    if missing:
        seen = f"{namespace} has no {', '.join(missing)}"
        return [wrong("Temporal", seen, "Run `fluxrate migrate`."), histories]
    seen = f"{address} answers, {namespace} has our search attributes"
    return [good("Temporal", seen), histories]
