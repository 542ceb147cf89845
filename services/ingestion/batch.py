"""One transaction of ingestion, from the reports of its callers to their answers.

It goes through the same stations for all of them: whom and what the reports name, what each of
them comes to, the locks that a bill waits for, one statement that writes, and the answers to what
was there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec
from psycopg import AsyncConnection

from billing.errors import BillingError, Conflict, InvariantBroken
from models.usage.event_ids import EventIds
from repositories.ingestion import writer as stored_writer
from repositories.ingestion.alerts import wake_alerts
from repositories.ingestion.flags import find_flagged_spans, find_needed_checks
from repositories.ingestion.late_marks import mark_changed_periods
from repositories.ingestion.partitions import month_of
from repositories.ingestion.writer import NewEvent, StoredEvent
from services.catalog.terms_cache import TermsCache
from services.entitlements.limits import UsageLimits
from services.ingestion.event_input import free_form_of, read_event
from services.ingestion.references import Targets
from services.ingestion.rows import Row, answer_of, answer_to_taken_key
from services.ingestion.submissions import EventResult, EventStatus, Submission


def _counted(rows: Iterable[Row]) -> list[NewEvent]:
    """What was stored of these rows and counts."""
    stored = [
        row.require_event()
        for row in rows
        if row.result is not None and row.result.status is EventStatus.CREATED
    ]
    return [event for event in stored if event.counted and not event.paused]


@dataclass(slots=True)
class PartitionCache:
    """Months whose partitions this process has seen."""

    months: set[date] = field(default_factory=set)

    def missing(self, events: Iterable[NewEvent]) -> set[date]:
        """The months of these events that have not been seen."""
        firsts = {(one.timestamp.year, one.timestamp.month): one.timestamp for one in events}
        needed = {month for at in firsts.values() if (month := month_of(at)) is not None}
        return needed - self.months


class MonthsMissing(Exception):
    """Events lie in months that have no partition yet."""

    def __init__(self, months: set[date]) -> None:
        self.months = months


class Refused(Exception):
    """An atomic submission has a rejected row: its transaction must not commit."""

    def __init__(self, results: list[EventResult]) -> None:
        self.results = results


class Batch:
    """One transaction's worth of submissions."""

    def __init__(
        self,
        connection: AsyncConnection,
        submissions: Sequence[Submission],
        months: PartitionCache,
        terms: TermsCache,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._submissions = submissions
        self._months = months
        self._terms = terms
        self._now = now
        self._ids = EventIds()
        self._targets = Targets(connection, now)
        self._answers: list[list[Row | BillingError]] = []

    async def run(self) -> list[list[EventResult]]:
        """The answers to every row. Raises MonthsMissing, Refused."""
        for submission in self._submissions:
            self._answers.append(self._open(submission))
        rows = [row for answers in self._answers for row in answers if isinstance(row, Row)]
        if rows:
            await self._targets.find()
            await self._read(rows)
            await self._write([row for row in rows if row.event is not None])
        await self._show_events()
        results = [[answer_of(row) for row in answers] for answers in self._answers]
        for submission, answers in zip(self._submissions, results, strict=True):
            if submission.is_atomic and any(one.error is not None for one in answers):
                raise Refused(answers)
        return results

    def _open(self, submission: Submission) -> list[Row | BillingError]:
        name = self._targets.of(str(submission.organization_id)).name
        return [
            row
            if isinstance(row, BillingError)
            else Row(row, name(row), introduces=submission.introduces)
            for row in submission.rows
        ]

    async def _read(self, rows: Sequence[Row]) -> None:
        """Every row has its event, or the error that refuses it."""
        for row in rows:
            self._read_event(row)
        # Nobody becomes a customer by a row that something is wrong with.
        strangers = [row for row in rows if row.named.is_stranger and row.event is not None]
        if strangers:
            await self._targets.introduce(row.named for row in strangers)
            for row in strangers:
                self._read_event(row)

    def _read_event(self, row: Row) -> None:
        row.event = None
        target = row.named.target
        if target is None:
            row.reject(row.named.error or InvariantBroken("A target was not looked up."))
            return
        if row.named.is_stranger and not row.introduces:
            row.reject(row.named.customer.refuse())
            return
        try:
            row.event = read_event(row.report, target, ids=self._ids, now=self._now)
        except BillingError as error:
            row.reject(error)

    async def _write(self, rows: Sequence[Row]) -> None:
        """Every row is stored, or answered with the event that has its key."""
        events = [row.require_event() for row in rows]
        if not events:
            return
        missing = self._months.missing(events)
        if missing:
            raise MonthsMissing(missing)
        await stored_writer.share_arrivals(self._connection, {one.scope for one in events})
        needed = await find_needed_checks(self._connection, events)
        if needed.has_flagged_spans:
            await self._flag(rows)
        limits = UsageLimits(self._connection, self._terms, self._now)
        if needed.has_limits and await limits.find([row.require_event() for row in rows]):
            await self._write_limited(limits, rows)
        else:
            await self._insert(rows)
        counted = _counted(rows) if needed.has_flagged_spans or needed.has_alerts else []
        if needed.has_flagged_spans and counted:
            # Final periods that depend on what was stored are rated again (CONTRACT 83, 84).
            await mark_changed_periods(self._connection, counted, now=self._now)
        if needed.has_alerts:
            await wake_alerts(self._connection, counted, now=self._now)

    async def _write_limited(self, limits: UsageLimits, rows: Sequence[Row]) -> None:
        """Every row is stored, answered with the event that has its key, or refused by a limit."""
        refused = await limits.refuse(row.require_event() for row in rows)
        for row in rows:
            if (error := refused.get(row.require_event().id)) is not None:
                row.reject(error)
        together: list[Row] = []
        alone: list[Row] = []
        for row in rows:
            if row.result is None:
                is_alone = limits.must_come_alone(row.require_event())
                (alone if is_alone else together).append(row)
        await self._insert(together)
        for row in alone:
            await self._insert_alone(limits, row)
        await limits.tell(
            row.require_event()
            for row in rows
            if row.result is not None and row.result.status is EventStatus.CREATED
        )

    async def _insert(self, rows: Sequence[Row]) -> None:
        firsts: dict[tuple[str, str], NewEvent] = {}
        for row in rows:
            event = row.require_event()
            firsts.setdefault(event.identity, event)
        count = 0
        if firsts:
            count = await stored_writer.insert_events(
                self._connection, list(firsts.values()), now=self._now
            )
        for row in rows:
            event = row.require_event()
            row.result = EventResult(
                status=EventStatus.CREATED,
                event_id=event.id,
                is_late=event.late,
                is_counted=event.counted,
                is_paused=event.paused,
            )
        if count < len(rows):
            await self._compare(rows)

    async def _insert_alone(self, limits: UsageLimits, row: Row) -> None:
        try:
            async with self._connection.transaction():
                await self._insert([row])
                if row.result is not None and row.result.status is EventStatus.CREATED:
                    await limits.require_room(row.require_event())
        except Conflict as error:
            row.reject(error)

    async def _flag(self, rows: Sequence[Row]) -> None:
        """Events of bills that are final are late; events of a paused subscription are paused."""
        spans = await find_flagged_spans(self._connection, [row.require_event() for row in rows])
        if not spans:
            return
        for row in rows:
            event = row.require_event()
            scope = event.scope
            flags = spans.flags_of(scope.customer, scope.meter, event.timestamp)
            if flags:
                row.event = msgspec.structs.replace(
                    event, late="late" in flags, paused="paused" in flags
                )

    async def _compare(self, rows: Sequence[Row]) -> None:
        """Rows whose key was taken are answered with the event that has it, or refused."""
        # ON CONFLICT DO NOTHING gives back no row that was there, so a second statement asks.
        known = await stored_writer.find_keys(
            self._connection, list({row.require_event().identity for row in rows})
        )
        for row in rows:
            event = row.require_event()
            holder = known[event.identity]
            if holder.event_id != event.id:
                row.known = holder
                row.result = answer_to_taken_key(row.report, event, holder)

    async def _show_events(self) -> None:
        """Callers who want to see their events see them, repeated ones as first recorded."""
        shown = [
            row
            for submission, answers in zip(self._submissions, self._answers, strict=True)
            if submission.wants_events
            for row in answers
            if isinstance(row, Row)
        ]
        known = [row.known for row in shown if row.known is not None]
        stored = await stored_writer.find_events(self._connection, known) if known else {}
        for row in shown:
            result = row.result
            if result is not None and result.event_id is not None:
                event = stored.get(result.event_id) or self._as_stored(row)
                row.result = msgspec.structs.replace(result, event=event)

    def _as_stored(self, row: Row) -> StoredEvent:
        event = row.require_event()
        return StoredEvent(
            id=event.id,
            customer_id=event.scope.customer,
            meter_id=event.scope.meter,
            quantity=event.quantity,
            timestamp=event.timestamp,
            meta_data=free_form_of(row.report),
            ingested_at=self._now,
            counted=event.counted,
            late=event.late,
            paused=event.paused,
        )
