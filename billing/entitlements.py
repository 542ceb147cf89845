"""Entitlements: whether a customer may use a feature now, how much is left, and when it resets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.errors import Conflict, InvalidInput
from billing.identifiers import FeatureId
from billing.money import ZERO, exactly, require_decimals
from billing.periods import Anchor, Period, index_containing, period
from billing.rating.terms import FeatureTerms, FeatureType, PlanTerms, find_reset_cadence

THRESHOLDS: Final = (80, 100)


class AccessReason(StrEnum):
    """Why there is no access."""

    DISABLED = "disabled"
    LIMIT_REACHED = "limit_reached"
    NO_CREDIT = "no_credit"
    NO_SUBSCRIPTION = "no_subscription"
    NOT_ON_PLAN = "not_on_plan"
    SPENDING_CAP = "spending_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """The answer for one feature. Units: the meter's; ``limit`` None means unlimited."""

    feature_id: FeatureId
    lookup_key: str
    name: str
    type: FeatureType
    is_enabled: bool
    has_access: bool
    usage: Decimal | None = None
    limit: Decimal | None = None
    remaining: Decimal | None = None
    resets_at: datetime | None = None
    is_soft_limit: bool = False
    static_value: str | None = None
    reason: AccessReason | None = None

    def __post_init__(self) -> None:
        require_decimals(usage=self.usage, limit=self.limit, remaining=self.remaining)


@exactly
def decide_access(
    feature: FeatureTerms,
    *,
    usage: Decimal = ZERO,
    resets_at: datetime | None = None,
    has_credit: bool = True,
    is_capped: bool = False,
) -> Entitlement:
    """Say whether a feature may be used, given its usage in the present reset window.

    At or over a hard limit there is no access; over a soft one it stays. Nor is there any where
    its charge blocks what no credit pays, and nothing is left, or where an alert that blocks is
    reached. ``remaining`` is never negative.
    Source: CONTRACT 11, 4.12, 43. Worked example: 800 of 1,000 leaves 200 and access.
    """
    is_meter = feature.type is FeatureType.METER
    limit = feature.usage_limit
    reason = _refusal(feature, usage)
    if reason is None and not has_credit:
        reason = AccessReason.NO_CREDIT
    if reason is None and is_capped:
        reason = AccessReason.SPENDING_CAP
    return Entitlement(
        feature_id=feature.feature_id,
        lookup_key=feature.lookup_key,
        name=feature.name,
        type=feature.type,
        is_enabled=feature.is_enabled,
        has_access=reason is None,
        usage=usage if is_meter else None,
        limit=limit,
        remaining=None if limit is None else max(ZERO, limit - usage),
        resets_at=resets_at if is_meter else None,
        is_soft_limit=feature.is_soft_limit,
        static_value=feature.static_value,
        reason=reason,
    )


def refuse_access(
    *, feature_id: FeatureId, lookup_key: str, name: str, type: FeatureType, reason: AccessReason
) -> Entitlement:
    """Give the answer for a feature that no live subscription of the customer grants."""
    return Entitlement(
        feature_id=feature_id,
        lookup_key=lookup_key,
        name=name,
        type=type,
        is_enabled=False,
        has_access=False,
        reason=reason,
    )


def generosity(*, is_enabled: bool, limit: Decimal | None) -> tuple[bool, bool, Decimal]:
    """How much a grant of a feature gives: of several subscriptions' the greatest one counts.

    Enabled wins, then unlimited (``limit`` None), then the highest limit. The one definition, for
    checks and for arriving usage alike. Source: CONTRACT 43.
    """
    return is_enabled, limit is None, ZERO if limit is None else limit


def limiting_generosity(feature: FeatureTerms) -> tuple[tuple[bool, bool, Decimal], bool]:
    """How generously a grant limits arriving usage: by its generosity, then if it refuses nothing.

    So no event is refused at a limit that an equally generous grant lets it pass.
    """
    given = generosity(is_enabled=feature.is_enabled, limit=feature.usage_limit)
    return given, not feature.refuses_usage


def most_generous(answers: Sequence[Entitlement]) -> Entitlement:
    """Give the best of several subscriptions' answers for one feature.

    By :func:`generosity`; after that access wins, then the most left, then the first. Raises:
    InvalidInput for no answers. Source: CONTRACT 43.
    """
    if not answers:
        raise InvalidInput("There is no answer to choose from.", field="answers")
    return max(
        answers,
        key=lambda one: (
            generosity(is_enabled=one.is_enabled, limit=one.limit),
            one.has_access,
            one.remaining or ZERO,
        ),
    )


def reset_window(terms: PlanTerms, feature: FeatureTerms, anchor: Anchor, at: datetime) -> Period:
    """Give the window in which a feature's usage counts at an instant, from the anchor on.

    Raises: InvalidInput before the anchor. Source: CONTRACT 42.
    """
    cadence = find_reset_cadence(terms, feature)
    return period(anchor, cadence, index_containing(anchor, cadence, at))


def require_within_limit(feature: FeatureTerms, usage_after: Decimal) -> None:
    """Refuse an event that would pass a hard limit, where the feature asks for that.

    Raises: Conflict ``limit_exceeded``. Source: CONTRACT 11. Worked example: on a limit of 1,000
    the event that reaches 1,000 is taken, the one that reaches 1,001 is not.
    """
    limit = feature.hard_limit
    if feature.refuses_usage and limit is not None and usage_after > limit:
        raise Conflict(
            f"The usage limit of {feature.name!r} is {limit:f}.",
            code="limit_exceeded",
            field="quantity",
            feature_id=str(feature.feature_id),
        )


@exactly
def crossed_thresholds(limit: Decimal | None, before: Decimal, after: Decimal) -> tuple[int, ...]:
    """Give the percentages of a limit that usage reached on its way from ``before`` to ``after``.

    Usage only grows within a window, so each is reported once. Source: CONTRACT 11. Worked
    example: from 790 to 1,000 of 1,000 crosses 80 and 100.
    """
    if limit is None:
        return ()
    return tuple(percent for percent in THRESHOLDS if before * 100 < limit * percent <= after * 100)


def _refusal(feature: FeatureTerms, usage: Decimal) -> AccessReason | None:
    if not feature.is_enabled:
        return AccessReason.DISABLED
    if feature.hard_limit is not None and usage >= feature.hard_limit:
        return AccessReason.LIMIT_REACHED
    return None
