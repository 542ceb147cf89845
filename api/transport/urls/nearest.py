"""The route that somebody probably meant whose address leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Final

PREFIX: Final = "/api/v1"
MOST_SEGMENTS: Final = 10
LONGEST_SEGMENT: Final = 40
"""Words of routes are shorter; what is longer is compared with none."""

LIKE_ENOUGH: Final = 0.75
"""Of two words that may be the same one; below it, zebras would be members."""

NAMED_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "activate": ("reactivate",),
    "billing-history": ("invoices",),
    "cancellation": ("cancel",),
    "change": ("change-plan",),
    "credit": ("credit-notes",),
    "downgrade": ("change-plan",),
    "events": ("usage",),
    "ingest": ("usage",),
    "mark-uncollectible": ("status",),
    "mark_uncollectible": ("status",),
    "prices": ("plans", "charges"),
    "products": ("plans",),
    "send": ("send-email",),
    "upcoming": ("preview-invoice",),
    "upgrade": ("change-plan",),
    "void": ("status",),
    "webhooks": ("webhook-endpoints",),
}
"""Words of other billing products, and what stands in their place here."""


def find_nearest(addresses: Iterable[tuple[str, str]], method: str, path: str) -> str | None:
    """Method and path of the route that is most like what was asked for, if one is like it.

    ``GET /api/v1/customer`` is near ``GET /api/v1/customers``. Of two that are as near, the one
    that takes the method is told. ``addresses`` are the methods and paths that there are.
    """
    asked = [_segments(path), _segments(PREFIX + path)]
    best: tuple[float, bool, str] | None = None
    for known_method, template in addresses:
        segments = _segments(template)
        likeness = max(_likeness(segments, one) for one in asked)
        found = (likeness, known_method == method, f"{known_method} {template}")
        if likeness > 0 and (best is None or found[:2] > best[:2]):
            best = found
    return None if best is None else best[2]


def _segments(path: str) -> list[str]:
    return [one for one in path.split("/") if one]


def _likeness(template: list[str], asked: list[str]) -> float:
    """How much of an address is that of a route, between 0 and 1; 0 where a word is another."""
    if len(template) != len(asked) or len(asked) > MOST_SEGMENTS:
        return 0
    whole = 0.0
    for known, given in zip(template, asked, strict=True):
        likeness = _word_likeness(known, given)
        if likeness < LIKE_ENOUGH:
            return 0
        whole += likeness
    return whole / len(template)


def _word_likeness(known: str, given: str) -> float:
    if known == given:
        return 1
    if known.startswith("{"):
        return 0.95
    if known in NAMED_ELSEWHERE.get(given.casefold(), ()):
        return 0.9
    if len(given) > LONGEST_SEGMENT:
        return 0
    matcher = SequenceMatcher(None, given.casefold(), known)
    return 0 if matcher.quick_ratio() < LIKE_ENOUGH else matcher.ratio()
