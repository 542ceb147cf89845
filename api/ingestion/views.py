"""What the ingestion routes answer: the shapes that are sent are the shapes that are documented."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from billing.errors import BillingError
from billing.invoicing.receipts import instant_text
from repositories.ingestion.writer import StoredEvent
from services.ingestion.submissions import EventResult, EventStatus

encode = msgspec.json.Encoder(decimal_format="number").encode


class RecordedEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event as it was recorded. ``duplicate`` is there if the key was known already."""

    id: str
    customer_id: str
    meter_id: str
    quantity: str
    timestamp: str
    created_at: str
    meta_data: dict[str, Any] | None
    counted: bool
    late: bool
    paused: bool
    duplicate: bool = False


class RowError(msgspec.Struct, kw_only=True):
    """Why a row was rejected, by which field, and which event is in the way, if any are."""

    code: str
    detail: str
    field: str | UnsetType = UNSET
    event_id: str | UnsetType = UNSET


class RowResult(msgspec.Struct, kw_only=True):
    """What became of the row at ``index``. ``id`` is that of the event, also of the first one."""

    index: int
    status: Literal["created", "duplicate", "rejected"]
    id: str | UnsetType = UNSET
    late: bool | UnsetType = UNSET
    error: RowError | UnsetType = UNSET


class BatchResult(msgspec.Struct, kw_only=True):
    """What became of a batch: three counts, and its rows in their order."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[RowResult]


def view_event(event: StoredEvent, *, is_repeated: bool) -> RecordedEvent:
    """The answer to a single event."""
    return RecordedEvent(
        id=event.id,
        customer_id=event.customer_id,
        meter_id=event.meter_id,
        quantity=event.quantity,
        timestamp=instant_text(event.timestamp),
        created_at=instant_text(event.ingested_at),
        meta_data=event.meta_data,
        counted=event.counted,
        late=event.late,
        paused=event.paused,
        duplicate=is_repeated,
    )


def view_batch(results: Sequence[EventResult], *, only_errors: bool) -> BatchResult:
    """The answer to a batch; ``only_errors`` leaves the good rows out of ``results``."""
    counts = dict.fromkeys(EventStatus, 0)
    for result in results:
        counts[result.status] += 1
    return BatchResult(
        accepted=counts[EventStatus.CREATED],
        duplicates=counts[EventStatus.DUPLICATE],
        rejected=counts[EventStatus.REJECTED],
        results=[
            _view_row(index, result)
            for index, result in enumerate(results)
            if result.error is not None or not only_errors
        ],
    )


def view_error(error: BillingError) -> RowError:
    """Why a row was rejected."""
    return RowError(
        code=error.code,
        detail=error.detail,
        field=error.field or UNSET,
        event_id=error.identifiers.get("event_id") or UNSET,
    )


def _view_row(index: int, result: EventResult) -> RowResult:
    return RowResult(
        index=index,
        status=result.status.value,
        id=UNSET if result.event_id is None else result.event_id,
        late=result.is_late or UNSET,
        error=UNSET if result.error is None else view_error(result.error),
    )
