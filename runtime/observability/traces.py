"""Traces of one process: where they go, and how its parts make spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager as Around
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue
from sqlalchemy import Engine

from repositories.outbox import TRACE
from repositories.transactions import Transactions
from runtime.observability.identities import (
    ChosenIds,
    ShareOfTraces,
    context_of,
    read_traceparent,
    within,
    write_traceparent,
)
from services.ingestion.submissions import EventResult, EventStatus

MOST_LINKED_EVENTS: Final = 20
"""A batch, or a bill, links to so many of its events: a few show the way."""

if TYPE_CHECKING:
    from runtime.observability.steps import TracedTemporal

Attributes = Mapping[str, AttributeValue]


class Traces:
    """Makes the spans of a process. Attributes are ids, names of ours and counts, never data."""

    def __init__(self, process: str, processor: SpanProcessor, *, share: float = 1.0) -> None:
        self._ids = ChosenIds()
        self._sampler = ShareOfTraces(share)
        self._provider = TracerProvider(
            sampler=self._sampler,
            resource=Resource.create({"service.name": f"fluxrate-{process}"}),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("fluxrate")

    @property
    def carried(self) -> dict[str, object]:
        """What services find in every session: the place that queued messages name as theirs."""
        return {TRACE: self.current}

    @staticmethod
    def current() -> str | None:
        """Where the current span stands, None if there is none that is kept."""
        place = trace.get_current_span().get_span_context()
        return write_traceparent(place) if place.is_valid and place.trace_flags.sampled else None

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        context: Context | None = None,
        links: Sequence[Link] = (),
        attributes: Attributes | None = None,
    ) -> Iterator[Span]:
        """A span around what is done, the current one within it.

        Of an exception it says the class and no word more: messages quote what people sent.
        """
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=kind,
            links=links,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                fail(span, error)
                raise

    def begin_record(
        self, record_id: UUID, name: str, *, links: Sequence[Link] = (), attributes: Attributes
    ) -> None:
        """The first span of a thing's own trace, linked to what brought it about."""
        with self._ids.choosing(context_of(record_id)):
            self._tracer.start_span(
                name, context=Context(), links=links, attributes=attributes
            ).end()

    def keeps(self, record_id: UUID) -> bool:
        """Whether the thing's own trace is among those that are kept."""
        return self._sampler.keeps(record_id.int)

    def waking(self, traceparent: str | None) -> Around[object]:
        """A span around the waking of a workflow, below the one that it comes of, if any."""
        place = read_traceparent(traceparent)
        if place is None:
            return nullcontext()
        return self.span("wake workflow", kind=SpanKind.PRODUCER, context=within(place))

    def accept_events(self, results: Iterable[EventResult]) -> None:
        """Accepted events have a trace each, linked with the request that brought them."""
        span = trace.get_current_span()
        source = [Link(span.get_span_context())] if span.is_recording() else []
        created = (
            UUID(one.event_id)
            for one in results
            if one.status is EventStatus.CREATED and one.event_id is not None
        )
        for number, event_id in enumerate(filter(self.keeps, created)):
            if number == MOST_LINKED_EVENTS:
                return
            self.begin_record(
                event_id,
                "usage event accepted",
                links=source,
                attributes={"fluxrate.event_id": str(event_id)},
            )
            if span.is_recording():
                span.add_link(context_of(event_id))

    def delivering(self, relay: str, letter: Any) -> Around[object]:  # noqa: ANN401  (each relay's own)
        """A span around a try to deliver, in the trace of the invoice that it tells of."""
        subject: UUID | None = getattr(letter, "invoice_id", None)
        context = Context() if subject is None else within(context_of(subject))
        attributes = {"fluxrate.organization_id": str(letter.organization_id)}
        if subject is not None:
            attributes["fluxrate.invoice_id"] = str(subject)
        return self.span(
            f"deliver {relay}", kind=SpanKind.CLIENT, context=context, attributes=attributes
        )

    def watch(self, engine: Engine) -> None:
        """Statements of the engine's sessions have spans."""
        from runtime.observability.statements import trace_statements

        trace_statements(engine, self)

    def of_temporal(self) -> TracedTemporal:
        """What a client is given that only wakes workflows."""
        from runtime.observability.steps import TracedTemporal

        return TracedTemporal(self)

    def of_worker(self, engine: Engine, transactions: Transactions) -> TracedTemporal:
        """What a worker's client is given; its statements have spans from now on."""
        from runtime.observability.billed_events import find_billed_events
        from runtime.observability.steps import TracedTemporal

        self.watch(engine)
        return TracedTemporal(self, partial(find_billed_events, transactions, self.keeps))

    def close(self) -> None:
        """What was not sent yet is sent."""
        self._provider.shutdown()


def fail(span: Span, error: BaseException) -> None:
    """The span says which kind of error ended it."""
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    span.set_attribute("error.type", type(error).__name__)


def batches_to(endpoint: str) -> SpanProcessor:
    """Sends spans to a collector by OTLP over HTTP, off the path of whoever made them.

    Headers, compression and time-outs come from the usual ``OTEL_EXPORTER_OTLP_…`` variables.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))
