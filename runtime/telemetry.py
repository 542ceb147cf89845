"""Logs: one line per fact, for a person at a terminal and as JSON everywhere else."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import structlog
from opentelemetry.trace import get_current_span
from structlog.typing import EventDict, Processor

from runtime.observability.redaction import redact_fields

SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)

QUIET_LOGGERS = ("uvicorn.access", "alembic.runtime.migration", "httpx2")
"""Their information-level lines repeat what our own lines say."""

TOLD_BY_HEADER_LOGGERS = ("httpcore", "httpcore2", "urllib3", "requests")
"""Their debug lines are made of headers and addresses, so they have none at any level."""

SEVERAL_LINES: Final = ("exception", "stack")

UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure_logging(process: str, *, level: str = "info") -> None:
    """Every log line of this process, ours and of libraries, goes to standard error in one form.

    ``process`` (``api``, ``worker``) is on each line. What a line holds is decided where it is
    written: ids, never secrets or amounts. What libraries and exceptions quote is taken out here.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(make_formatter(process, is_for_people=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in (*QUIET_LOGGERS, *TOLD_BY_HEADER_LOGGERS):
        logging.getLogger(name).setLevel(logging.WARNING)


def make_formatter(process: str, *, is_for_people: bool) -> logging.Formatter:
    """What makes a line of a record, of ours or of a library, and leaves out what must not go."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _name_process(process),
            _name_trace,
            structlog.processors.format_exc_info,
            _redact,
            *_renderers(is_for_people),
        ],
    )


def _name_process(process: str) -> Processor:
    # A context variable would not reach the threads in which activities run.
    def name(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {"process": process, **event}

    return name


def _name_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    place = get_current_span().get_span_context()
    return {"trace_id": f"{place.trace_id:032x}", **event} if place.is_valid else event


def _redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    return redact_fields(event)


def _renderers(is_for_people: bool) -> tuple[Processor, ...]:
    if not is_for_people:
        return (structlog.processors.JSONRenderer(),)
    # The default formatter shows local variables, among them credentials.
    plain = structlog.dev.plain_traceback
    return (_keep_to_its_line, structlog.dev.ConsoleRenderer(exception_formatter=plain))


def _keep_to_its_line(_logger: object, _method: str, event: EventDict) -> Mapping[str, Any]:
    """Nobody's text begins a line that looks like one of ours; JSON sees to that by itself."""
    return {
        name: _indented(value) if name in SEVERAL_LINES else _visible(value)
        for name, value in event.items()
    }


def _visible(value: Any) -> Any:  # noqa: ANN401  (whatever is logged)
    if not isinstance(value, str):
        return value
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), value)


def _indented(value: Any) -> Any:  # noqa: ANN401  (whatever is logged)
    lines = str(value).splitlines()
    return "\n".join(f"  | {_visible(line)}" for line in lines)
