"""Reset windows that events wait for, and the thresholds that were told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from models.base import new_id
from repositories.array_text import array, quoted

THRESHOLD_EVENT: Final = "entitlement.threshold"

WindowKey = tuple[str, str, str, datetime]
"""Organization, subscription, feature, and when the window starts."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitWindow:
    """A reset window of a feature: the row that events counting in it wait for."""

    organization: str
    subscription: str
    feature: str
    starts_at: datetime
    ends_at: datetime

    @property
    def key(self) -> WindowKey:
        """What no other window goes by; windows are locked in its order."""
        return self.organization, self.subscription, self.feature, self.starts_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedThreshold:
    """A percentage of a limit that usage has reached; ``data`` is what a webhook says of it."""

    window: LimitWindow
    percent: int
    data: Mapping[str, Any]


async def lock_windows(connection: AsyncConnection, windows: Iterable[LimitWindow]) -> None:
    """Each window has its row, which is this transaction's until it ends."""
    ordered = sorted(windows, key=lambda one: one.key)
    values = _window_columns(ordered)
    await connection.execute(_INSERT_WINDOWS, values)
    await connection.execute(_LOCK_WINDOWS, values)


async def list_told(
    connection: AsyncConnection, windows: Sequence[LimitWindow]
) -> set[tuple[WindowKey, int]]:
    """The thresholds that were told of these windows: keys of windows with percentages."""
    cursor = await connection.execute(_LIST_TOLD, _window_columns(windows))
    return {((row[0], row[1], row[2], row[3]), row[4]) for row in await cursor.fetchall()}


async def insert_thresholds(
    connection: AsyncConnection, reached: Sequence[ReachedThreshold], *, now: datetime
) -> None:
    """Each threshold is told once per window, by a message of its own. Idempotent by both."""
    await connection.execute(
        _INSERT_THRESHOLDS,
        {
            **_window_columns([one.window for one in reached]),
            "percents": [one.percent for one in reached],
            "ids": [new_id() for _ in reached],
            "keys": [_message_key(one) for one in reached],
            "payloads": [_payload(one) for one in reached],
            "now": now,
        },
    )


def _window_columns(windows: Sequence[LimitWindow]) -> dict[str, object]:
    return {
        "organizations": array([one.organization for one in windows]),
        "subscriptions": array([one.subscription for one in windows]),
        "features": array([one.feature for one in windows]),
        "starts": array([quoted(one.starts_at.isoformat()) for one in windows]),
        "ends": array([quoted(one.ends_at.isoformat()) for one in windows]),
    }


def _message_key(reached: ReachedThreshold) -> str:
    window = reached.window
    place = f"{window.subscription}:{window.feature}:{window.starts_at.isoformat()}"
    return f"{THRESHOLD_EVENT}:{place}:{reached.percent}"


def _payload(reached: ReachedThreshold) -> str:
    return _encode({"event": THRESHOLD_EVENT, "data": dict(reached.data)}).decode()


_NAMED_WINDOWS: Final = """
unnest(
    %(organizations)s::uuid[], %(subscriptions)s::uuid[], %(features)s::uuid[],
    %(starts)s::timestamptz[], %(ends)s::timestamptz[]
) AS named(organization_id, subscription_id, feature_id, starts_at, ends_at)"""

_IS_NAMED: Final = """
    held.organization_id = named.organization_id
    AND held.subscription_id = named.subscription_id
    AND held.feature_id = named.feature_id AND held.starts_at = named.starts_at"""

# What is there already is only read: an insertion that finds a conflict writes nothing either, but
# takes a number of its own.
_INSERT_WINDOWS: Final = f"""
INSERT INTO entitlement_window (organization_id, subscription_id, feature_id, starts_at, ends_at)
SELECT * FROM {_NAMED_WINDOWS}
WHERE NOT EXISTS (SELECT FROM entitlement_window AS held WHERE {_IS_NAMED})
ORDER BY organization_id, subscription_id, feature_id, starts_at
ON CONFLICT DO NOTHING"""  # noqa: S608  (put together out of constants)

_LOCK_WINDOWS: Final = f"""
SELECT FROM entitlement_window AS held JOIN {_NAMED_WINDOWS} ON {_IS_NAMED}
ORDER BY held.organization_id, held.subscription_id, held.feature_id, held.starts_at
FOR NO KEY UPDATE OF held"""

_LIST_TOLD: Final = f"""
SELECT held.organization_id::text, held.subscription_id::text, held.feature_id::text,
    held.starts_at, held.threshold
FROM entitlement_threshold AS held JOIN {_NAMED_WINDOWS} ON {_IS_NAMED}"""  # noqa: S608  (put together out of constants)

_INSERT_THRESHOLDS: Final = """
-- Thresholds that were reached, each with the message that tells so.
WITH reached AS MATERIALIZED (
    SELECT * FROM unnest(
        %(organizations)s::uuid[], %(subscriptions)s::uuid[], %(features)s::uuid[],
        %(starts)s::timestamptz[], %(percents)s::integer[], %(ids)s::uuid[], %(keys)s::text[],
        %(payloads)s::text[]
    ) AS reached(
        organization_id, subscription_id, feature_id, starts_at, threshold, id, key, payload
    )
),
-- Those that nobody told before: two batches that reach one at once tell it once.
told AS (
    INSERT INTO entitlement_threshold AS held
        (organization_id, subscription_id, feature_id, starts_at, threshold, reached_at)
    SELECT organization_id, subscription_id, feature_id, starts_at, threshold, %(now)s
    FROM reached
    ON CONFLICT DO NOTHING
    RETURNING held.organization_id, held.subscription_id, held.feature_id, held.starts_at,
        held.threshold
)
INSERT INTO outbox_message
    (organization_id, id, kind, key, payload, created_at, available_at, attempts)
SELECT reached.organization_id, reached.id, 'webhook', reached.key,
    -- What the organization itself calls the customer is only looked up for what is told.
    jsonb_set(
        reached.payload::jsonb, '{data,customer_external_id}',
        coalesce(
            (
                SELECT to_jsonb(customer.external_id) FROM customer
                WHERE customer.organization_id = reached.organization_id
                    AND customer.id = (reached.payload::jsonb #>> '{data,customer_id}')::uuid
            ),
            'null'
        )
    ),
    %(now)s, %(now)s, 0
FROM reached JOIN told USING (organization_id, subscription_id, feature_id, starts_at, threshold)
ON CONFLICT DO NOTHING"""
