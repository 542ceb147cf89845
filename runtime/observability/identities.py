"""Which trace a thing has: its own id is the trace's, so that nobody stores where to find it.

A trace id is 16 bytes, and so is the id of an event or an invoice. Who has one finds the trace, and
whoever bills an event can link to the trace in which it was accepted, weeks later and in another
process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from uuid import UUID, uuid5

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes

SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)

TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
"""How W3C Trace Context writes where a span stands."""

RANDOM_PART: Final = 0xFF_FFFF_FFFF_FFFF
"""These bits of a trace id are random, in ours as in those of others."""


def context_of(record_id: UUID) -> SpanContext:
    """Where the first span of a thing's trace stands, whether or not it was ever made."""
    digest = hashlib.sha256(record_id.bytes).digest()
    return SpanContext(
        record_id.int, int.from_bytes(digest[:8]) or 1, is_remote=True, trace_flags=SAMPLED
    )


def bill_id(subscription_id: UUID, period_index: int) -> UUID:
    """What names the bill of a period before there is an invoice."""
    return uuid5(subscription_id, f"period {period_index}")


def within(place: SpanContext) -> Context:
    """A context in which spans are children of what stands there, and of nothing else."""
    return set_span_in_context(NonRecordingSpan(place), Context())


def write_traceparent(place: SpanContext) -> str:
    """The place as W3C Trace Context writes it."""
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-{place.trace_flags:02x}"


def read_traceparent(text: str | None) -> SpanContext | None:
    """The place that was written, None if nothing readable was."""
    found = TRACEPARENT.fullmatch(text or "")
    if found is None:
        return None
    place = SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=SAMPLED)
    return place if place.is_valid else None


class ChosenIds(RandomIdGenerator):
    """Random ids, except within ``choosing``."""

    def __init__(self) -> None:
        self._chosen: ContextVar[SpanContext | None] = ContextVar("chosen ids", default=None)

    @contextmanager
    def choosing(self, place: SpanContext) -> Iterator[None]:
        """The span that is begun within this stands there."""
        token = self._chosen.set(place)
        try:
            yield
        finally:
            self._chosen.reset(token)

    def generate_trace_id(self) -> int:
        """The chosen one, or a random one."""
        chosen = self._chosen.get()
        return super().generate_trace_id() if chosen is None else chosen.trace_id

    def generate_span_id(self) -> int:
        """The chosen one, or a random one."""
        chosen = self._chosen.get()
        return super().generate_span_id() if chosen is None else chosen.span_id


class ShareOfTraces(Sampler):
    """Keeps a share of all traces, the same ones in every process, whatever a caller asks for."""

    def __init__(self, share: float) -> None:
        self._below: int = int(share * (RANDOM_PART + 1))
        self._share = share

    def keeps(self, trace_id: int) -> bool:
        """Whether the trace is among them."""
        return trace_id & RANDOM_PART < self._below

    def should_sample(  # noqa: PLR0917  (the SDK asks so)
        self,
        parent_context: Context | None,  # noqa: ARG002  (the ids alone decide)
        trace_id: int,
        name: str,  # noqa: ARG002  (the library's signature)
        kind: SpanKind | None = None,  # noqa: ARG002  (the library's signature)
        attributes: Attributes = None,
        links: object = None,  # noqa: ARG002  (the library's signature)
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Whether a span of the trace is recorded."""
        decision = Decision.RECORD_AND_SAMPLE if self.keeps(trace_id) else Decision.DROP
        return SamplingResult(decision, attributes, trace_state)

    def get_description(self) -> str:
        """What the sampler is called."""
        return f"ShareOfTraces{{{self._share}}}"


def links_to(*record_ids: UUID) -> list[Link]:
    """Links to the traces of things."""
    return [Link(context_of(one)) for one in record_ids]
