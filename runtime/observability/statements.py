"""A span for each SQL statement of a session that is within a span."""

from __future__ import annotations

import re
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from sqlalchemy import Engine, event

from runtime.observability.traces import Traces, fail

LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
"""What stands between quotes in a statement may be anything, so it is left out."""

SUBJECT: Final = re.compile(r"\b(?:from|into|update|join)\s+(\w+)", re.IGNORECASE)
LONGEST: Final = 2000

_SPAN: Final = "fluxrate.span"


def trace_statements(engine: Engine, traces: Traces) -> None:
    """From now on statements have spans, with their text but without what they are given."""

    def begin(_connection: Any, _cursor: Any, statement: str, *rest: Any) -> None:  # noqa: ANN401  (whatever the library hands over)
        if not trace.get_current_span().is_recording():
            return
        context = rest[1]
        manager = traces.span(
            summary_of(statement),
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.query.text": LITERAL.sub("'?'", statement)[:LONGEST],
            },
        )
        manager.__enter__()
        if context is not None:
            setattr(context, _SPAN, manager)

    def end(*words: Any) -> None:  # noqa: ANN401  (whatever the library hands over)
        context = words[4]
        manager = getattr(context, _SPAN, None)
        if manager is not None:
            delattr(context, _SPAN)
            manager.__exit__(None, None, None)

    def give_up(told: Any) -> None:  # noqa: ANN401  (whatever the library hands over)
        manager = getattr(told.execution_context, _SPAN, None)
        if manager is not None:
            delattr(told.execution_context, _SPAN)
            fail(trace.get_current_span(), told.original_exception)
            manager.__exit__(None, None, None)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", give_up)


def summary_of(statement: str) -> str:
    """What a statement does to which table: ``SELECT invoice``."""
    verb = statement.split(None, 1)[0].upper() if statement.strip() else "SQL"
    subject = SUBJECT.search(statement)
    return verb if subject is None else f"{verb} {subject[1]}"
