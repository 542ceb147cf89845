"""What workflows do after a request: those that the product has woken, no others.

A workflow that rests is not asked: the product says by itself that it has come along with its
clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.subscriptions import clocks
from tests.money import documents
from tests.services.lives import Life
from tests.services.shop import Shop


def act(life: Life) -> None:
    """Perform all that is due where its clock stands."""
    _catch_up(life)


def come_along(shop: Shop, lives: Iterable[Life]) -> None:
    """Every workflow that was woken does what is due by the clock's new instant, and says so."""
    behind = shop.read(documents.list_behind)
    for life in lives:
        if life.subscription_id in behind:
            life.do(clocks.record_progress, _catch_up(life))


def _catch_up(life: Life) -> datetime:
    state = life.state()
    while state.agenda and state.clock_at and state.agenda[0].due_at <= state.clock_at:
        state = life.act(state.agenda[0])
    assert state.clock_at is not None
    return state.clock_at
