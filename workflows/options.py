"""Timeouts and retries by kind of activity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy

DATABASE_STEP: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=60),
    "local_retry_threshold": timedelta(seconds=5),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=5),
    ),
}
"""A local activity that is one database transaction: repeated until the database is back.

The threshold keeps a workflow task short while the database is away; beyond it the wait goes on
by timers and messages are answered at once. A broken business rule is not retried: the activity
says so itself.
"""

GATEWAY_STEP: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=2),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(hours=1),
    ),
}
"""An activity that asks a gateway: repeated until it knows, for days if it must.

A worker that dies of it is missed within the heartbeat's time, whatever it was waiting for.
What is repeated leaves no events, so the history stays short however long nobody answers.
"""
