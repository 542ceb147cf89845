"""What people plan to do in a simulated life, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tests.workflows.simulated.credit.top_ups import CREDIT_DEEDS
from tests.workflows.simulated.customers import DEEDS
from tests.workflows.simulated.facts import GRACE, MONTH

COMMON = (
    "nothing",
    "pay_everything",
    "change_plan",
    "change_mind",
    "finalize_early",
    "pause_for_ten_days",
    *("send_usage", "send_late_usage", "void_late_usage") * 3,
    *("send_forgiven_usage", "void_forgiven_usage", "change_plan_after_late_usage") * 2,
    *("void_invoice", "void_for_good", "reissue") * 3,
    *("delete_draft", "bill_unbilled", "give_back") * 2,
)

FOLLOWED_BY = {
    "cancel_at_end": ("reactivate",),
    "pause": ("resume",),
    "send_late_usage": ("void_for_good",),
    "void_late_usage": ("void_for_good",),
    "void_invoice": ("reissue",),
    "void_for_good": ("send_forgiven_usage", "void_late_usage", "reissue"),
    "send_forgiven_usage": ("void_forgiven_usage", "void_for_good"),
    "delete_draft": ("bill_unbilled",),
}
"""What people do half of the time soon after something, which chance alone seldom finds."""
FOLLOWS_WITHIN = timedelta(days=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Something that somebody will do."""

    at: datetime
    name: str


def plan_life(random: Random, starts_at: datetime, ends_at: datetime) -> list[Planned]:
    """What will be done between two instants, in order: mostly common things, seldom the rest."""
    count = random.choice((0, 2, 4, 8, 12, 16, 24))
    names = [random.choice(COMMON if random.random() < 0.7 else tuple(DEEDS)) for _ in range(count)]
    planned = [Planned(at=_instant(random, starts_at, ends_at), name=name) for name in names]
    for one in planned:  # those that follow may be followed too
        if one.name in FOLLOWED_BY and random.random() < 0.5:
            at = min(ends_at, one.at + random.random() * FOLLOWS_WITHIN)
            planned.append(Planned(at=at, name=random.choice(FOLLOWED_BY[one.name])))
    return sorted(planned, key=lambda one: (one.at, one.name))


def plan_credit(random: Random, starts_at: datetime, ends_at: datetime) -> list[Planned]:
    """What will be done about credit besides."""
    names = random.choices(tuple(CREDIT_DEEDS), k=random.choice((2, 6, 12, 24)))
    return [Planned(at=_instant(random, starts_at, ends_at), name=name) for name in names]


def _instant(random: Random, starts_at: datetime, ends_at: datetime) -> datetime:
    months = (ends_at - starts_at) // MONTH
    boundary = starts_at + random.randint(1, months) * MONTH
    place = random.random()
    if place < 0.3:  # close to a boundary, where races are
        return boundary + timedelta(seconds=random.randint(-2, 2))
    if place < 0.45:  # while there is a draft
        return boundary + GRACE * random.random()
    return starts_at + (ends_at - starts_at) * random.random()
