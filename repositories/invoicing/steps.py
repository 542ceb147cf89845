"""What the steps of a bill left behind: the evidence of its invoice.

Four of the steps of a close do nothing else with the database, so their statements are plain text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.invoicing.receipts import Document

LIST_RUNS = text("""
SELECT run.step, run.content, run.digest, version.terms::text
FROM billing_run AS run
LEFT JOIN plan_version AS version ON run.step = 'usage'
    AND version.organization_id = run.organization_id
    AND version.plan_id = (run.content ->> 'plan_id')::uuid
    AND version.version = (run.content ->> 'plan_version')::integer
WHERE run.organization_id = :organization_id AND run.subscription_id = :subscription_id
    AND run.period_index = :period_index AND run.revision = :revision
""")

INSERT_RUN = text("""
INSERT INTO billing_run (organization_id, subscription_id, period_index, revision, step, content,
    digest, created_at)
VALUES (:organization_id, :subscription_id, :period_index, :revision, :step,
    CAST(:content AS jsonb), :digest, :created_at)
ON CONFLICT DO NOTHING
RETURNING revision
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """What a step of a bill left behind. ``terms`` is the text of the plan version it names."""

    content: Any
    digest: str
    terms: str | None = None


def list_runs(
    session: Session,
    organization_id: UUID,
    *,
    subscription_id: UUID,
    period_index: int,
    revision: int,
) -> dict[str, StoredRun]:
    """What the steps of one revision of a bill have left so far, by step."""
    rows = session.execute(
        LIST_RUNS,
        {
            "organization_id": organization_id,
            "subscription_id": subscription_id,
            "period_index": period_index,
            "revision": revision,
        },
    )
    return {
        step: StoredRun(content=content, digest=digest, terms=terms)
        for step, content, digest, terms in rows
    }


def insert_run(
    session: Session,
    organization_id: UUID,
    *,
    subscription_id: UUID,
    period_index: int,
    revision: int,
    step: str,
    content: Document,
    digest: str,
    now: datetime,
) -> bool:
    """Keep what a step of a bill found; False if another writer was first."""
    written = session.execute(
        INSERT_RUN,
        {
            "organization_id": organization_id,
            "subscription_id": subscription_id,
            "period_index": period_index,
            "revision": revision,
            "step": step,
            "content": json.dumps(content),
            "digest": digest,
            "created_at": now,
        },
    )
    return written.scalar_one_or_none() is not None
