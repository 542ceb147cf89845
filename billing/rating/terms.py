"""What a plan version says: the terms by which a period is rated, as one immutable document."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.commitments.terms import CommitmentTerms
from billing.errors import InvalidInput
from billing.identifiers import ChargeId, FeatureId, MeterId, PlanId
from billing.metering.aggregations import MeterTerms
from billing.money import ZERO, find_currency, require_not_negative
from billing.periods import Cadence, Interval
from billing.pricing import Flat, Pricing, find_misfit
from billing.rating.groups import Group, Grouping, require_groupable
from billing.units import Unit


class PlanType(StrEnum):
    """Which charges a plan may hold."""

    FIXED = "FIXED"
    USAGE = "USAGE"
    HYBRID = "HYBRID"


class ChargeType(StrEnum):
    """Whether a charge is due per period or for what was used."""

    FIXED = "FIXED"
    USAGE = "USAGE"


class FeatureType(StrEnum):
    """What a feature is: a measured limit, a switch, or a text."""

    METER = "meter"
    SWITCH = "switch"
    CUSTOM = "custom"


class ChargeStatus(StrEnum):
    """Whether a charge is part of its plan."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class VersionPolicy(StrEnum):
    """What a period that opens is billed by: the newest version of its plan, or a pinned one."""

    LATEST = "latest"
    PINNED = "pinned"


class Effective(StrEnum):
    """Which periods an edit of a plan reaches: those that begin after it, or those that run too."""

    NEXT_PERIOD = "next_period"
    RUNNING_PERIOD = "running_period"


class OverLimit(StrEnum):
    """What happens to usage above a hard limit when the period closes."""

    BILL = "bill"
    WAIVE = "waive"


class Shortfall(StrEnum):
    """What happens to usage that no credit pays: it is invoiced, or access to it is closed."""

    INVOICE = "invoice"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeTerms:
    """One price of a plan version, its model already resolved (CONTRACT 36).

    Units: ``unit_price``, ``minimum`` and ``maximum`` in major units of what it is priced in, which
    is ``unit`` or, where that is None, the plan's currency; ``overage_rate`` in the plan's currency
    for one of ``unit``; ``included_units`` in the meter's unit, None meaning the allowance of the
    plan's feature on that meter. ``grouping`` tells usage apart by properties of its events;
    ``pricing`` is then the price of what it does not name. Source: CREDITS 11 and 14.
    """

    charge_id: ChargeId
    type: ChargeType
    pricing: Pricing
    display_name: str | None = None
    unit_price: Decimal | None = None
    meter: MeterTerms | None = None
    included_units: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit: Unit | None = None
    overage_rate: Decimal | None = None
    shortfall: Shortfall = Shortfall.INVOICE
    grouping: Grouping | None = None

    def __post_init__(self) -> None:
        require_not_negative(
            unit_price=self.unit_price,
            included_units=self.included_units,
            minimum=self.minimum,
            maximum=self.maximum,
            overage_rate=self.overage_rate,
        )
        require_paid_or_blocked(
            self.type, self.unit, overage_rate=self.overage_rate, shortfall=self.shortfall
        )
        if (self.type is ChargeType.FIXED) is not isinstance(self.pricing, Flat):
            raise _refused("FIXED charges are flat, USAGE charges are not.", "pricing")
        if (self.type is ChargeType.USAGE) is not (self.meter is not None):
            raise _refused("A USAGE charge needs a meter, a FIXED one has none.", "meter_id")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise _refused("minimum is above maximum.", "minimum")
        misfit = find_misfit(self.pricing, self.meter.aggregation if self.meter else None)
        if misfit is not None:
            raise _refused(misfit, "pricing.model")
        if self.grouping is not None:
            require_groupable(self.grouping, self.meter)

    def pricing_of(self, group: Group) -> Pricing:
        """The price of a group of the charge's usage: its own, else the default one."""
        if self.grouping is None:
            return self.pricing
        return self.grouping.pricing_of(group, self.pricing)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTerms:
    """One entitlement of a plan version. ``usage_limit`` None means unlimited."""

    feature_id: FeatureId
    lookup_key: str
    name: str
    type: FeatureType
    meter_id: MeterId | None = None
    is_enabled: bool = True
    usage_limit: Decimal | None = None
    usage_reset_period: Interval | None = None
    is_soft_limit: bool = False
    reject_over_limit: bool = False
    over_limit: OverLimit = OverLimit.BILL
    static_value: str | None = None

    def __post_init__(self) -> None:
        require_not_negative(usage_limit=self.usage_limit)
        if self.type is not FeatureType.METER and self.usage_limit is not None:
            raise _refused("Only meter features have a usage limit.", "usage_limit")

    @property
    def hard_limit(self) -> Decimal | None:
        """The limit that ends access, None if there is none or it is soft."""
        return None if self.is_soft_limit or not self.is_enabled else self.usage_limit

    @property
    def refuses_usage(self) -> bool:
        """Whether events that would pass the limit are refused, and not only told of."""
        return self.reject_over_limit and self.hard_limit is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """A plan version: what every bill that uses it is computed from.

    ``charges`` are the active ones in the order of their creation. Constructing one proves that it
    can be priced. Raises: InvalidInput naming the charge and the field.
    """

    plan_id: PlanId
    version: int
    name: str
    type: PlanType
    currency: str
    interval: Interval
    interval_count: int = 1
    charges: tuple[ChargeTerms, ...] = ()
    features: tuple[FeatureTerms, ...] = ()
    commitments: tuple[CommitmentTerms, ...] = ()

    def __post_init__(self) -> None:
        find_currency(self.currency)
        for place, charge in enumerate(self.charges):
            if self.type.value not in (charge.type.value, PlanType.HYBRID.value):
                raise _refused(
                    f"A plan of type {self.type.value} takes no {charge.type.value} charge.",
                    f"charges.{place}.type",
                )
            _check_windows(self, charge, f"charges.{place}")

    @property
    def cadence(self) -> Cadence:
        """How long its billing periods are."""
        return Cadence(interval=self.interval, count=self.interval_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much of a meter a charge includes, and the hard limit on it, per reset window."""

    units: Decimal
    hard_limit: Decimal | None
    over_limit: OverLimit
    cadence: Cadence

    @property
    def has_windows(self) -> bool:
        """Whether the reset windows matter to the bill at all."""
        return self.units > ZERO or self.hard_limit is not None


def find_allowance(terms: PlanTerms, charge: ChargeTerms) -> Allowance:
    """Give what a charge includes and where its hard limit lies.

    A charge's own number wins; else the limit of the plan's feature on the same meter goes to the
    oldest charge on that meter. Source: CONTRACT 10, 11, 42. Worked example: a feature of 1,000 a
    month and two charges on its meter: the older includes 1,000, the younger 0.
    """
    feature = _find_feature(terms, charge)
    if feature is None:
        return Allowance(
            units=charge.included_units or ZERO,
            hard_limit=None,
            over_limit=OverLimit.BILL,
            cadence=terms.cadence,
        )
    units = charge.included_units
    if units is None:
        is_oldest = _oldest_charge_on(terms, charge).charge_id == charge.charge_id
        units = (feature.usage_limit or ZERO) if is_oldest else ZERO
    return Allowance(
        units=units,
        hard_limit=feature.hard_limit,
        over_limit=feature.over_limit,
        cadence=find_reset_cadence(terms, feature),
    )


def find_reset_cadence(terms: PlanTerms, feature: FeatureTerms) -> Cadence:
    """Give how long a feature's usage counts before it starts anew; by default a billing period."""
    if feature.usage_reset_period is None:
        return terms.cadence
    return Cadence(interval=feature.usage_reset_period)


def _find_feature(terms: PlanTerms, charge: ChargeTerms) -> FeatureTerms | None:
    meter_id = charge.meter.meter_id if charge.meter else None
    for feature in terms.features:
        is_meter = feature.type is FeatureType.METER and feature.is_enabled
        if is_meter and meter_id is not None and feature.meter_id == meter_id:
            return feature
    return None


def _oldest_charge_on(terms: PlanTerms, charge: ChargeTerms) -> ChargeTerms:
    meter_id = charge.meter.meter_id if charge.meter else None
    return next(
        one for one in terms.charges if one.meter is not None and one.meter.meter_id == meter_id
    )


def _check_windows(terms: PlanTerms, charge: ChargeTerms, field: str) -> None:
    if charge.meter is None or charge.meter.aggregation.definition.is_additive:
        return
    allowance = find_allowance(terms, charge)
    if allowance.has_windows and allowance.cadence != terms.cadence:
        raise _refused(
            f"Included units and limits of a {charge.meter.aggregation.value} meter reset with the"
            " billing period: its parts cannot be added up.",
            f"{field}.included_units",
        )


def require_paid_or_blocked(
    type: ChargeType, unit: Unit | None, *, overage_rate: Decimal | None, shortfall: Shortfall
) -> None:
    """What no credit pays of a charge has a price in money, or cannot be used.

    Raises: InvalidInput naming the field. Source: CREDITS 14.
    """
    is_blocking = shortfall is Shortfall.BLOCK
    if unit is not None and unit.is_currency:
        raise _refused("A charge in money is priced in the plan's currency.", "unit")
    if is_blocking and type is ChargeType.FIXED:
        raise _refused("Nothing is used by a FIXED charge that could be blocked.", "shortfall")
    if unit is None and overage_rate is not None:
        raise _refused("What is priced in money needs no overage_rate.", "overage_rate")
    if unit is not None and overage_rate is None and not is_blocking:
        raise _refused(
            "What no credit pays is due at the overage_rate, or blocked by shortfall.",
            "overage_rate",
        )


def _refused(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_charge", field=field)
