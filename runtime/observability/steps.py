"""Spans of what Temporal has our workers do: each step in the trace of the bill that it is about.

A workflow lives as long as its subscription, so that its own trace would have years. What is traced
is the work: the steps of one period's bill share a trace whose id follows from subscription and
period, whichever process does them and whenever; others go on in the trace of the request that woke
the workflow, for a minute, or have one of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import temporalio.client
import temporalio.worker
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities import declarations
from activities.declarations import ActionRequest
from billing.subscriptions import WorkflowState
from runtime.observability.identities import (
    bill_id,
    context_of,
    read_traceparent,
    within,
)
from runtime.observability.traces import Traces
from runtime.observability.wakes import HEADER, WOKEN_AT, WakeInbound

SAME_TURN_SECONDS: Final = 60
"""What a workflow does so soon after it was woken is of the request that woke it."""

FindEvents = Callable[[ActionRequest], Sequence[UUID]]
"""Some of the events that a bill is of."""


class TracedTemporal(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Names to workflows who wakes them, and makes a span of every step. No workflow makes any."""

    def __init__(self, traces: Traces, find_events: FindEvents | None = None) -> None:
        self._traces = traces
        self._find_events = find_events

    def intercept_client(
        self,
        next: temporalio.client.OutboundInterceptor,  # noqa: A002  (the SDK's name)
    ) -> temporalio.client.OutboundInterceptor:
        """Starts and signals name the current span."""
        return _NamedWakes(next)

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002  (the SDK's name)
    ) -> ActivityInboundInterceptor:
        """Steps have spans."""
        return _TracedSteps(next, self._traces, self._find_events)

    def workflow_interceptor_class(
        self,
        input: temporalio.worker.WorkflowInterceptorClassInput,  # noqa: A002, ARG002  (the library's own name)
    ) -> type[WakeInbound]:
        """Workflows pass on who woke them."""
        return WakeInbound


class _NamedWakes(temporalio.client.OutboundInterceptor):
    async def start_workflow(
        self,
        input: temporalio.client.StartWorkflowInput,  # noqa: A002  (the library's own name)
    ) -> temporalio.client.WorkflowHandle[Any, Any]:
        place = Traces.current()
        if place is not None:
            [header] = PayloadConverter.default.to_payloads([place])
            input.headers = {**input.headers, HEADER: header}
        return await super().start_workflow(input)


class _TracedSteps(ActivityInboundInterceptor):
    def __init__(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002  (the library's own name)
        traces: Traces,
        find_events: FindEvents | None,
    ) -> None:
        super().__init__(next)
        self._traces = traces
        self._find_events = find_events

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401  (the library's own name)
        """Do the step within its span."""
        info = activity.info()
        request = input.args[0] if input.args else None
        woken_by = read_traceparent(_read(input.headers.get(HEADER), str))
        ago = _read(input.headers.get(WOKEN_AT), int)
        is_of_request = woken_by is not None and ago is not None and ago < SAME_TURN_SECONDS
        place = _place_of(request) or (woken_by if is_of_request else None)
        with self._traces.span(
            info.activity_type,
            kind=SpanKind.CONSUMER,
            context=Context() if place is None else within(place),
            links=[Link(woken_by)] if woken_by is not None and place is not woken_by else (),
            attributes=_ids_of(request) | {"fluxrate.attempt": info.attempt},
        ) as span:
            self._begin_bill(info.activity_type, request, woken_by)
            result = await super().execute_activity(input)
            if span.is_recording() and isinstance(request, ActionRequest):
                await self._link(span, info.activity_type, request, result)
            return result

    def _begin_bill(self, step: str, request: object, woken_by: SpanContext | None) -> None:
        """A bill's trace begins with the first step that measures it."""
        if step != declarations.QUERY_USAGE.name or not isinstance(request, ActionRequest):
            return
        bill = _bill_of(request)
        if bill is not None and self._traces.keeps(bill):
            self._traces.begin_record(
                bill,
                "bill of a period",
                links=[] if woken_by is None else [Link(woken_by)],
                attributes=_ids_of(request),
            )

    async def _link(self, span: Span, step: str, request: ActionRequest, result: object) -> None:
        """A bill is linked with events that it is of, and its invoice with the bill."""
        if step == declarations.QUERY_USAGE.name and self._find_events is not None:
            for event_id in await asyncio.to_thread(self._find_events, request):
                span.add_link(context_of(event_id))
        elif step == declarations.ISSUE_INVOICE.name:
            invoice_id = _invoice_in(result, request.period_index)
            if invoice_id is not None:
                span.add_link(context_of(invoice_id))
                self._begin_invoice(span, request, invoice_id)
        elif request.invoice_id is not None:
            span.add_link(context_of(UUID(request.invoice_id)))

    def _begin_invoice(self, span: Span, request: ActionRequest, invoice_id: UUID) -> None:
        if self._traces.keeps(invoice_id):
            self._traces.begin_record(
                invoice_id,
                "invoice issued",
                links=[Link(span.get_span_context())],
                attributes=_ids_of(request) | {"fluxrate.invoice_id": str(invoice_id)},
            )


def _place_of(request: object) -> SpanContext | None:
    """Where the trace begins of what a step is about."""
    bill = _bill_of(request) if isinstance(request, ActionRequest) else None
    if bill is not None:
        return context_of(bill)
    invoice_id = getattr(request, "invoice_id", None)
    return None if invoice_id is None else context_of(UUID(invoice_id))


def _bill_of(request: ActionRequest) -> UUID | None:
    if request.period_index is None:
        return None
    return bill_id(UUID(request.subscription_id), request.period_index)


def _invoice_in(result: object, period_index: int | None) -> UUID | None:
    """The invoice of the period, as what is due for it next names it."""
    agenda = result.agenda if isinstance(result, WorkflowState) else ()
    return next(
        (
            UUID(entry.invoice_id)
            for entry in agenda
            if entry.period_index == period_index and entry.invoice_id is not None
        ),
        None,
    )


def _ids_of(request: object) -> dict[str, str | int]:
    """The ids in a step's request; they are all that it holds besides instants and counts."""
    names = ("organization_id", "subscription_id", "invoice_id", "period_index", "payment_id")
    found = {name: getattr(request, name, None) for name in names}
    return {f"fluxrate.{name}": value for name, value in found.items() if value is not None}


def _read(payload: Payload | None, kind: type[Any]) -> Any:  # noqa: ANN401  (of that kind)
    if payload is None:
        return None
    return PayloadConverter.default.from_payloads([payload], [kind])[0]
