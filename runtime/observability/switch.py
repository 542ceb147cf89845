"""Whether a process traces. If not, nothing of OpenTelemetry's SDK is loaded or called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine
from temporalio.client import Interceptor

from repositories.transactions import Transactions
from runtime.relays.deliveries import AroundDelivery
from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.observability.traces import Traces as Traces  # noqa: PLC0414  (for the worker)
else:
    Traces = object

MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but what sends traces is not installed:"
    " `pip install 'fluxrate[otel]'`, or take the setting away."
)


def begin_traces(settings: Settings, process: str) -> Traces | None:
    """The traces of a process, None unless the operator said where they go.

    Raises SystemExit where the extra ``otel`` is missing.
    """
    if settings.otlp_endpoint is None:
        return None
    try:
        from runtime.observability.traces import Traces, batches_to

        processor = batches_to(settings.otlp_endpoint)
    except ModuleNotFoundError as error:
        raise SystemExit(MISSING) from error
    return Traces(process, processor, share=settings.trace_share)


def carried_of(traces: Traces | None) -> dict[str, object]:
    """What services find in every session."""
    return {} if traces is None else traces.carried


def interceptors_of(
    traces: Traces | None, engine: Engine, transactions: Transactions
) -> list[Interceptor]:
    """What a worker's client is given; statements of its engine have spans from now on."""
    return [] if traces is None else [traces.of_worker(engine, transactions)]


def deliveries_of(traces: Traces | None) -> AroundDelivery | None:
    """What makes a span of each delivery."""
    return None if traces is None else traces.delivering


def end_traces(traces: Traces | None) -> None:
    """What was not sent yet is sent."""
    if traces is not None:
        traces.close()
