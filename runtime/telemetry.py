"""Logs: one line per fact, for a person at a terminal and as JSON everywhere else."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor

SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)

QUIET_LOGGERS = ("uvicorn.access", "alembic.runtime.migration", "httpx2")
"""Their information-level lines repeat what our own lines say."""


def configure_logging(process: str, *, level: int = logging.INFO) -> None:
    """Every log line of this process, ours and of libraries, goes to standard error in one form.

    ``process`` (``api``, ``worker``) is on each line. What a line holds is decided where it is
    written: ids, never secrets or amounts.
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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _name_process(process),
                *_renderers(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _name_process(process: str) -> Processor:
    # A context variable would not reach the threads in which activities run.
    def name(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {"process": process, **event}

    return name


def _renderers() -> tuple[Processor, ...]:
    if sys.stderr.isatty():
        # The default formatter shows local variables, among them credentials.
        plain = structlog.dev.plain_traceback
        return (structlog.dev.ConsoleRenderer(exception_formatter=plain),)
    return (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
