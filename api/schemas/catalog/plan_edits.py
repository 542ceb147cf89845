"""When an edit of a plan takes effect, on the wire (CONTRACT 95)."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field

from api.schemas.common import Moment, View, any_case
from billing.rating.terms import Effective
from services.catalog.edits import EditReach

Shown = TypeVar("Shown", bound="EditView")

EffectiveChoice = Annotated[
    Annotated[Effective, any_case(Effective)] | None,
    Field(
        description="Whether the edit takes effect with the first period that begins after it"
        " (`next_period`), or for the periods that run too (`running_period`). By default the"
        " organization's `plan_edits`.",
        examples=["next_period"],
    ),
]
"""Which periods an edit is to reach; absent or null is as the organization has it."""


class EditView(View):
    """What an edit reaches, beside what it left behind."""

    effective_from: Moment = Field(
        description="The begin of the first period that the edit bills, or its own instant where"
        " it meets no live subscription.",
        examples=["2026-04-01T00:00:00Z"],
    )
    subscriptions: int = Field(
        description="How many live subscriptions the edit meets.", examples=[12]
    )


def with_reach(kind: type[Shown], view: View, reach: EditReach) -> Shown:
    """The view of what was edited, as the kind that says what the edit reaches too."""
    shown = {name: getattr(view, name) for name in type(view).model_fields}
    return kind(**shown, effective_from=reach.effective_from, subscriptions=reach.subscriptions)
