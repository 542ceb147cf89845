"""What the steps of a bill left behind: the evidence of its invoice.

Four of the steps of a close do nothing else with the database, so their statements are plain text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from models.invoicing.invoices import Invoice
from repositories.array_text import array, quoted

BILLS = """unnest(
    CAST(:organizations AS uuid[]), CAST(:subscriptions AS uuid[]), CAST(:indexes AS integer[]),
    CAST(:revisions AS integer[])"""

LIST_RUNS = text(f"""
SELECT (asked.place - 1)::integer, run.step, run.content, run.digest, version.terms::text
FROM {BILLS}
) WITH ORDINALITY AS asked (organization_id, subscription_id, period_index, revision, place)
JOIN billing_run AS run ON run.organization_id = asked.organization_id
    AND run.subscription_id = asked.subscription_id AND run.period_index = asked.period_index
    AND run.revision = asked.revision
LEFT JOIN plan_version AS version ON run.step = 'usage'
    AND version.organization_id = run.organization_id
    AND version.plan_id = (run.content ->> 'plan_id')::uuid
    AND version.version = (run.content ->> 'plan_version')::integer
""")  # noqa: S608  (put together out of constants)

LIST_DIGESTS = text(f"""
SELECT (asked.place - 1)::integer, run.step, run.digest
FROM {BILLS}
) WITH ORDINALITY AS asked (organization_id, subscription_id, period_index, revision, place)
JOIN billing_run AS run ON run.organization_id = asked.organization_id
    AND run.subscription_id = asked.subscription_id AND run.period_index = asked.period_index
    AND run.revision = asked.revision
""")  # noqa: S608  (put together out of constants)

# Sorted, so that two who write the same rows queue for them.
INSERT_RUNS = text(f"""
INSERT INTO billing_run (organization_id, subscription_id, period_index, revision, step, content,
    digest, created_at)
SELECT organization_id, subscription_id, period_index, revision, :step, content::jsonb, digest,
    :created_at
FROM {BILLS}, CAST(:contents AS text[]), CAST(:digests AS text[])
) AS found (organization_id, subscription_id, period_index, revision, content, digest)
ORDER BY organization_id, subscription_id, period_index, revision
ON CONFLICT DO NOTHING
RETURNING organization_id, subscription_id, period_index, revision
""")  # noqa: S608  (put together out of constants)

RunKey = tuple[UUID, UUID, int, int]
"""Organization, subscription, period and revision."""

COUNT_EVENTS = text(
    """
    SELECT coalesce(sum((measured ->> 'event_count')::bigint), 0)
    FROM billing_run AS run, jsonb_array_elements(run.content -> 'usage') AS measured
    WHERE run.organization_id = :organization_id AND run.subscription_id = :subscription_id
        AND run.period_index = :period_index AND run.revision = :revision AND run.step = 'usage'
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """What a step of a bill left behind. ``terms`` is the text of the plan version it names.

    ``values`` is what was made of both, by its kind, so that nobody makes it twice.
    """

    content: Any
    digest: str
    terms: str | None = None
    values: dict[object, object] = field(default_factory=dict, compare=False, repr=False)


def list_runs(session: Session, bills: Sequence[RunKey]) -> list[dict[str, StoredRun]]:
    """What the steps of each bill have left so far, by step."""
    found: list[dict[str, StoredRun]] = [{} for _ in bills]
    for place, step, content, digest, terms in session.execute(LIST_RUNS, _arrays(bills)):
        found[place][step] = StoredRun(content=content, digest=digest, terms=terms)
    return found


def list_digests(session: Session, bills: Sequence[RunKey]) -> list[dict[str, str]]:
    """The digests of what the steps of each bill have left so far, by step."""
    found: list[dict[str, str]] = [{} for _ in bills]
    for place, step, digest in session.execute(LIST_DIGESTS, _arrays(bills)):
        found[place][step] = digest
    return found


def insert_runs(
    session: Session, step: str, runs: Mapping[RunKey, StoredRun], *, now: datetime
) -> set[RunKey]:
    """Keep what a step of each bill found; those of which no other writer was first."""
    written = session.execute(
        INSERT_RUNS,
        {
            **_arrays([*runs]),
            "step": step,
            "contents": array(quoted(json.dumps(run.content)) for run in runs.values()),
            "digests": array(run.digest for run in runs.values()),
            "created_at": now,
        },
    )
    return {(row[0], row[1], row[2], row[3]) for row in written}


def _arrays(bills: Sequence[RunKey]) -> dict[str, object]:
    return {
        "organizations": array(str(bill[0]) for bill in bills),
        "subscriptions": array(str(bill[1]) for bill in bills),
        "indexes": array(str(bill[2]) for bill in bills),
        "revisions": array(str(bill[3]) for bill in bills),
    }


def count_events(session: Session, invoice: Invoice) -> int:
    """How many events a generated invoice counted, as it was measured."""
    return int(
        session.execute(
            COUNT_EVENTS,
            {
                "organization_id": invoice.organization_id,
                "subscription_id": invoice.subscription_id,
                "period_index": invoice.period_index,
                "revision": invoice.revision,
            },
        ).scalar_one()
    )
