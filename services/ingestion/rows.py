"""One report on its way through ingestion, and in the end its answer."""

from __future__ import annotations

from billing.errors import BillingError, Conflict, InvariantBroken
from repositories.ingestion.writer import NewEvent, StoredKey
from services.ingestion.event_input import EventReport
from services.ingestion.references import NamedTarget
from services.ingestion.submissions import EventResult, EventStatus


class Row:
    """One report on its way, and in the end its answer."""

    __slots__ = ("event", "introduces", "known", "named", "report", "result")

    def __init__(self, report: EventReport, named: NamedTarget, *, introduces: bool) -> None:
        self.report = report
        self.named = named
        self.introduces = introduces
        self.event: NewEvent | None = None
        self.known: StoredKey | None = None
        self.result: EventResult | None = None

    def reject(self, error: BillingError) -> None:
        """Answer the report with the error."""
        self.result = EventResult(status=EventStatus.REJECTED, error=error)

    def require_event(self) -> NewEvent:
        """The event that the report was read as."""
        if self.event is None:
            raise InvariantBroken("A report was written without being read.")
        return self.event


def answer_of(row: Row | BillingError) -> EventResult:
    """The answer to one row of a caller."""
    if isinstance(row, BillingError):
        return EventResult(status=EventStatus.REJECTED, error=row)
    if row.result is None:
        raise InvariantBroken("A report was left without an answer.")
    return row.result


def answer_to_taken_key(report: EventReport, event: NewEvent, holder: StoredKey) -> EventResult:
    """The event that has the key where it is the same one, else the error that says so."""
    is_same = holder.content_hash == event.content_hash and (
        report.timestamp is None or holder.timestamp == event.timestamp
    )
    if is_same:
        return EventResult(status=EventStatus.DUPLICATE, event_id=holder.event_id)
    error = Conflict(
        "Another event has this idempotency_key.",
        code="idempotency_key_reused",
        field="idempotency_key",
        event_id=holder.event_id,
    )
    return EventResult(status=EventStatus.REJECTED, error=error)
