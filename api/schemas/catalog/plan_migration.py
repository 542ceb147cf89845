"""Moving subscriptions to a plan's newest version, on the wire (CONTRACT 39)."""

from __future__ import annotations

from uuid import UUID

from api.schemas.catalog.plan_edits import EffectiveChoice
from api.schemas.common import Flag, Moment, Schema, View
from services.lifecycle.version_migration import Migration


class MigrationRequest(Schema):
    """``preview`` shows who would move and moves nobody."""

    preview: Flag = False
    """Whether only to show who would move."""
    effective: EffectiveChoice = None


class VersionChangeView(View):
    """A subscription that moves, or would."""

    subscription_id: UUID
    """The subscription."""
    from_version: int
    """The version of the plan that it has."""
    to_version: int
    """The version that it moves to."""


class MigrationView(View):
    """How many subscriptions move and which, and when the first of their periods begins."""

    subscriptions: int
    """How many subscriptions move."""
    effective_from: Moment
    """When the first of the periods begins that the newest version bills."""
    data: list[VersionChangeView]
    """Which subscriptions move."""


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
