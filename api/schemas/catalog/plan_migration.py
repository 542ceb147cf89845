"""Moving subscriptions to a plan's newest version, on the wire (CONTRACT 39)."""

from __future__ import annotations

from uuid import UUID

from api.schemas.catalog.plan_edits import EffectiveChoice
from api.schemas.common import Flag, Moment, Schema, View
from services.lifecycle.version_migration import Migration


class MigrationRequest(Schema):
    """``preview`` shows who would move and moves nobody."""

    preview: Flag = False
    effective: EffectiveChoice = None


class VersionChangeView(View):
    """A subscription that moves, or would."""

    subscription_id: UUID
    from_version: int
    to_version: int


class MigrationView(View):
    """How many subscriptions move and which, and when the first of their periods begins."""

    subscriptions: int
    effective_from: Moment
    data: list[VersionChangeView]


def view_migration(migration: Migration) -> MigrationView:
    """The move as the API shows it."""
    return MigrationView(
        subscriptions=migration.reach.subscriptions,
        effective_from=migration.reach.effective_from,
        data=[
            VersionChangeView(
                subscription_id=one.subscription_id,
                from_version=one.from_version,
                to_version=one.to_version,
            )
            for one in migration.changes
        ],
    )
