"""Parts: a regular period that is billed in several, and what each hands on to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from billing.identifiers import ChargeId
from billing.money import ZERO, exactly
from billing.rating.charge_bounds import Bounds, EarlierParts
from billing.rating.engines import ENGINE_VERSION, Engine
from billing.rating.lines import PricedLine
from billing.rating.proration import NONE, WHOLE, Share
from billing.rating.terms import ChargeTerms, PlanTerms
from billing.ratios import Exact, add_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of its regular period is rated, after which others, and by which rules.

    ``share`` is what FIXED charges, minimum and maximum owe of a whole period.
    """

    share: Share = WHOLE
    earlier: tuple[EarlierParts, ...] = ()
    engine: Engine = ENGINE_VERSION

    def bounds_of(self, charge: ChargeTerms) -> Bounds | None:
        """What the charge's amount is held to, None if it has no bounds."""
        if charge.minimum is None and charge.maximum is None:
            return None
        if self.engine.is_first:
            return Bounds(minimum=charge.minimum, maximum=charge.maximum)
        earlier = (one for one in self.earlier if one.charge_id == charge.charge_id)
        return Bounds(
            minimum=charge.minimum,
            maximum=charge.maximum,
            share=self.share,
            earlier=next(earlier, None),
        )


ALL: Final = Part()


def has_bounds(terms: PlanTerms) -> bool:
    """Whether any charge has a minimum or maximum, so that the parts of a period meet."""
    return any(one.minimum is not None or one.maximum is not None for one in terms.charges)


def without_bounds(terms: PlanTerms) -> PlanTerms:
    """The same plan as if no charge had a minimum or maximum."""
    return replace(
        terms,
        charges=tuple(replace(one, minimum=None, maximum=None) for one in terms.charges),
    )


def without_minimum(terms: PlanTerms) -> PlanTerms:
    """The same plan without what a period owes at least: that is not used before its end."""
    return replace(terms, charges=tuple(replace(one, minimum=None) for one in terms.charges))


@exactly
def add_part(
    earlier: Sequence[EarlierParts],
    lines: Sequence[PricedLine],
    unbounded: Sequence[PricedLine],
    share: Share,
) -> tuple[EarlierParts, ...]:
    """Give what the parts come to with one more, of which these are the lines.

    ``unbounded`` are its lines without minimum and maximum. A charge counts from its first part on,
    so that each plan's bounds hold for the time that it ran. Source: CONTRACT 93.
    """
    former: Mapping[ChargeId, EarlierParts] = {one.charge_id: one for one in earlier}
    raw = _sums_of(unbounded)
    added = dict(former)
    for charge_id, of_charge in _lines_by_charge(lines).items():
        before = former.get(charge_id)
        billed = sum((line.amount for line in of_charge), ZERO)
        is_moved = any(line.bound is not None for line in of_charge)
        added[charge_id] = EarlierParts(
            charge_id=charge_id,
            share=share.plus(NONE if before is None else before.share),
            priced=raw[charge_id] + (ZERO if before is None else before.priced),
            billed=billed + (ZERO if before is None else before.billed),
            is_moved=is_moved or (before is not None and before.is_moved),
        )
    return tuple(added.values())


def _lines_by_charge(lines: Sequence[PricedLine]) -> dict[ChargeId, list[PricedLine]]:
    """The lines of each charge: one, or one for each group of its usage."""
    found: dict[ChargeId, list[PricedLine]] = {}
    for line in lines:
        if line.charge_id is not None:
            found.setdefault(line.charge_id, []).append(line)
    return found


def _sums_of(lines: Sequence[PricedLine]) -> dict[ChargeId, Exact]:
    return {
        charge_id: add_up(line.exact_amount for line in of_charge)
        for charge_id, of_charge in _lines_by_charge(lines).items()
    }
