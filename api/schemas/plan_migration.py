"""Moving subscriptions to a plan's newest version, on the wire (CONTRACT 39)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api.schemas.common import Flag, Schema, View
from services.plan_migration import VersionChange


class MigrationRequest(Schema):
    """``preview`` shows who would move and moves nobody."""

    preview: Flag = False


class VersionChangeView(View):
    """A subscription that moves, or would."""

    subscription_id: UUID
    from_version: int
    to_version: int


class MigrationView(View):
    """How many subscriptions move, and which."""

    subscriptions: int
    data: list[VersionChangeView]


def view_migration(changes: Sequence[VersionChange]) -> MigrationView:
    """The move as the API shows it."""
    return MigrationView(
        subscriptions=len(changes),
        data=[
            VersionChangeView(
                subscription_id=one.subscription_id,
                from_version=one.from_version,
                to_version=one.to_version,
            )
            for one in changes
        ],
    )
