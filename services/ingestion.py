"""Ingestion: reports become events once and for ever, acknowledged only after their commit.

Several callers share one transaction. It goes through the same stations for all of them: whom and
what the reports name, what each of them comes to, the locks that a bill waits for, one statement
that writes, and the answers to what was there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from psycopg import AsyncConnection

from billing.errors import BillingError, Conflict, InvariantBroken, NotFound
from billing.filters import parse_filters
from billing.metering import Aggregation
from repositories import usage_events
from repositories.usage_events import (
    CustomerName,
    CustomerRow,
    KnownKey,
    MeterName,
    MeterRow,
    NewEvent,
    StoredEvent,
)
from repositories.usage_flags import find_flagged_spans
from repositories.usage_partitions import ensure_partitions, month_of, next_month
from services.usage_reports import (
    EventReport,
    Meter,
    free_form_of,
    name_customer,
    name_meter,
    read_event,
)


class EventStatus(StrEnum):
    """What became of a report."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """The answer to one report: the event that it is, or the error that refuses it."""

    status: EventStatus
    event_id: UUID | None = None
    event: StoredEvent | None = None
    error: BillingError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The reports of one caller, in order; an error stands for a row that could not be read.

    ``is_atomic``: one rejected row and nothing is stored. ``wants_events``: the answer shows the
    events in full.
    """

    organization_id: UUID
    rows: Sequence[EventReport | BillingError]
    is_atomic: bool = False
    wants_events: bool = False


@dataclass(slots=True)
class KnownMonths:
    """Months whose partitions this process has seen."""

    months: set[date] = field(default_factory=set)

    def missing(self, events: Iterable[NewEvent]) -> set[date]:
        """The months of these events that have not been seen."""
        needed = {month for one in events if (month := month_of(one.timestamp)) is not None}
        return needed - self.months


async def ingest(
    connection: AsyncConnection,
    submissions: Sequence[Submission],
    *,
    months: KnownMonths,
    now: datetime,
) -> list[list[EventResult]]:
    """Every accepted report is stored, identified and rolled up; gives the answers of each caller.

    An atomic submission must come alone. Idempotent by organization and key; a report without a
    key is always new. Source: CONTRACT 3.7, 31, 32, 45, 74.
    """
    while True:
        try:
            async with connection.transaction():
                batch = _Batch(connection, submissions, months, now)
                return await batch.run()
        except _MonthsMissing as missing:
            # Making a partition takes a transaction of its own, and the month after comes along.
            needed = missing.months | {next_month(month) for month in missing.months}
            await ensure_partitions(connection, needed)
            months.months |= missing.months
        except _Refused as refused:
            return [refused.results]


class _MonthsMissing(Exception):
    def __init__(self, months: set[date]) -> None:
        self.months = months


class _Refused(Exception):
    """An atomic submission has a rejected row: its transaction must not commit."""

    def __init__(self, results: list[EventResult]) -> None:
        self.results = results


@dataclass(slots=True, kw_only=True)
class _Row:
    """One report on its way, and in the end its answer."""

    organization_id: UUID
    report: EventReport
    meter: MeterName
    customer: CustomerName
    event: NewEvent | None = None
    known: KnownKey | None = None
    result: EventResult | None = None

    def reject(self, error: BillingError) -> None:
        self.result = EventResult(status=EventStatus.REJECTED, error=error)

    def require_event(self) -> NewEvent:
        if self.event is None:
            raise InvariantBroken("A report was written without being read.")
        return self.event

    @property
    def identity(self) -> tuple[UUID, str]:
        return self.organization_id, self.require_event().key


class _Batch:
    """One transaction's worth of submissions."""

    def __init__(
        self,
        connection: AsyncConnection,
        submissions: Sequence[Submission],
        months: KnownMonths,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._submissions = submissions
        self._months = months
        self._now = now
        self._answers: list[list[_Row | BillingError]] = []

    async def run(self) -> list[list[EventResult]]:
        for submission in self._submissions:
            self._answers.append([_open(submission, row) for row in submission.rows])
        rows = [row for answers in self._answers for row in answers if isinstance(row, _Row)]
        if rows:
            await usage_events.name_organizations(
                self._connection, {row.organization_id for row in rows}
            )
            await self._read(rows)
            await self._write([row for row in rows if row.event is not None])
        await self._show_events()
        results = [[_result(row) for row in answers] for answers in self._answers]
        for submission, answers in zip(self._submissions, results, strict=True):
            if submission.is_atomic and any(one.error is not None for one in answers):
                raise _Refused(answers)
        return results

    async def _read(self, rows: Sequence[_Row]) -> None:
        """Every row has its event, or the error that refuses it."""
        meters = await self._find_meters({row.meter for row in rows})
        customers = await usage_events.find_customers(
            self._connection, {row.customer for row in rows if row.meter in meters}
        )
        strangers: list[_Row] = []
        for row in rows:
            if row.meter not in meters:
                row.reject(_unknown("Meter", row.report, "meter_token", "meter_id", "meter_name"))
            elif row.customer in customers:
                self._read_event(row, meters[row.meter], customers[row.customer])
            elif row.customer.kind == "external_id":
                strangers.append(row)
            else:
                row.reject(_unknown_customer(row.report))
        if strangers:
            await self._introduce(strangers, meters)

    async def _introduce(self, rows: Sequence[_Row], meters: Mapping[MeterName, Meter]) -> None:
        """Customers come into being for the rows that nothing else is wrong with (CONTRACT 31)."""
        for row in rows:
            self._read_event(row, meters[row.meter], _stranger(row.organization_id))
        good = [row for row in rows if row.event is not None]
        names = {row.customer for row in good}
        await usage_events.insert_customers(self._connection, names, now=self._now)
        customers = await usage_events.find_customers(self._connection, names)
        for row in good:
            row.event = None
            if row.customer in customers:
                self._read_event(row, meters[row.meter], customers[row.customer])
            else:
                row.reject(_unknown_customer(row.report))

    def _read_event(self, row: _Row, meter: Meter, customer: CustomerRow) -> None:
        try:
            row.event = read_event(row.report, meter, customer, now=self._now)
        except BillingError as error:
            row.reject(error)

    async def _find_meters(self, names: set[MeterName]) -> dict[MeterName, Meter]:
        found = await usage_events.find_meters(self._connection, names)
        # Until its first event a meter can be edited: hold it, and read it again.
        new = {name for name, row in found.items() if not row.has_events}
        if new:
            found |= await usage_events.find_meters(self._connection, new, lock=True)
        return {name: _to_meter(row) for name, row in found.items()}

    async def _write(self, rows: Sequence[_Row]) -> None:
        """Every row is stored, or answered with the event that has its key."""
        events = [row.require_event() for row in rows]
        if not events:
            return
        missing = self._months.missing(events)
        if missing:
            raise _MonthsMissing(missing)
        await usage_events.share_arrivals(
            self._connection, {(one.organization_id, one.customer_id) for one in events}
        )
        await self._flag(rows)
        firsts: dict[tuple[UUID, str], NewEvent] = {}
        for row in rows:
            firsts.setdefault(row.identity, row.require_event())
        created = await usage_events.insert_events(
            self._connection, list(firsts.values()), now=self._now
        )
        repeated = [row for row in rows if row.require_event().id not in created]
        for row in rows:
            row.result = EventResult(status=EventStatus.CREATED, event_id=row.require_event().id)
        await self._compare(repeated)

    async def _flag(self, rows: Sequence[_Row]) -> None:
        """Events of bills that are final are late; events of a paused subscription are paused."""
        spans = await find_flagged_spans(self._connection, [row.require_event() for row in rows])
        if not spans:
            return
        for row in rows:
            event = row.require_event()
            flags = spans.flags_of(event.customer_id, event.meter_id, event.timestamp)
            if flags:
                row.event = replace(event, late="late" in flags, paused="paused" in flags)

    async def _compare(self, repeated: Sequence[_Row]) -> None:
        """Rows whose key was taken are answered with the event that has it, or refused."""
        if not repeated:
            return
        # ON CONFLICT DO NOTHING gives back no row that was there, so a second statement asks.
        known = await usage_events.find_keys(
            self._connection, list({row.identity for row in repeated})
        )
        for row in repeated:
            row.known = known[row.identity]
            row.result = _compare(row.report, row.require_event(), row.known)

    async def _show_events(self) -> None:
        """Callers who want to see their events see them, repeated ones as first recorded."""
        shown = [
            row
            for submission, answers in zip(self._submissions, self._answers, strict=True)
            for row in answers
            if submission.wants_events and isinstance(row, _Row)
        ]
        known = [row.known for row in shown if row.known is not None]
        stored = await usage_events.find_events(self._connection, known) if known else {}
        for row in shown:
            if row.result is None or row.result.event_id is None:
                continue
            event = stored.get(row.result.event_id) or self._as_stored(row)
            row.result = replace(row.result, event=event)

    def _as_stored(self, row: _Row) -> StoredEvent:
        event = row.require_event()
        return StoredEvent(
            organization_id=event.organization_id,
            id=event.id,
            customer_id=event.customer_id,
            meter_id=event.meter_id,
            quantity=event.quantity,
            timestamp=event.timestamp,
            meta_data=free_form_of(row.report),
            ingested_at=self._now,
        )


def _result(row: _Row | BillingError) -> EventResult:
    if isinstance(row, BillingError):
        return EventResult(status=EventStatus.REJECTED, error=row)
    if row.result is None:
        raise InvariantBroken("A report was left without an answer.")
    return row.result


def _open(submission: Submission, row: EventReport | BillingError) -> _Row | BillingError:
    if isinstance(row, BillingError):
        return row
    try:
        return _Row(
            organization_id=submission.organization_id,
            report=row,
            meter=name_meter(submission.organization_id, row),
            customer=name_customer(submission.organization_id, row),
        )
    except BillingError as error:
        return error


def _stranger(organization_id: UUID) -> CustomerRow:
    return CustomerRow(
        organization_id=organization_id, id=UUID(int=0), external_id=None, clock_time=None
    )


def _to_meter(row: MeterRow) -> Meter:
    return Meter(
        id=row.id,
        aggregation=Aggregation(row.aggregation_type),
        property_name=row.property_name,
        filters=parse_filters(row.filters),
    )


def _unknown(noun: str, report: EventReport, *fields: str) -> NotFound:
    field = next(name for name in fields if getattr(report, name) is not None)
    return NotFound(f"{noun} not found.", code=f"{noun.lower()}_not_found", field=field)


def _unknown_customer(report: EventReport) -> NotFound:
    return _unknown("Customer", report, "customer_external_id", "customer_id")


def _compare(report: EventReport, event: NewEvent, known: KnownKey) -> EventResult:
    is_same = known.content_hash == event.content_hash and (
        report.timestamp is None or known.timestamp == event.timestamp
    )
    if is_same:
        return EventResult(status=EventStatus.DUPLICATE, event_id=known.event_id)
    error = Conflict(
        "Another event has this idempotency_key.",
        code="idempotency_key_reused",
        field="idempotency_key",
        event_id=str(known.event_id),
    )
    return EventResult(status=EventStatus.REJECTED, error=error)
