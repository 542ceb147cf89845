"""Coupons: what one takes off, of which lines, and of how many bills.

Source: CREDITS 23.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.errors import InvalidInput
from billing.identifiers import ChargeId
from billing.money import ZERO, find_currency, require_decimals

NO_LIMIT: Final = 2_147_483_647
"""What stands for no limit of redemptions or of bills: more than there will ever be."""

_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,63}")
_WHOLE: Final = Decimal(100)


class CouponScope(StrEnum):
    """Which lines a coupon is for: of charges, of bills of plans, or all."""

    LINES = "lines"
    PLAN = "plan"
    INVOICE = "invoice"


_RANKS: Final = {CouponScope.LINES: 0, CouponScope.PLAN: 1, CouponScope.INVOICE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """What a coupon takes off. Units: ``percent`` 10 is 10 %, ``amount`` in major units.

    Exactly one of the two is given, and the currency with the amount: bills in another currency are
    left alone. ``plan_ids`` go with scope ``plan``, ``charge_ids`` with scope ``lines``.
    Raises: InvalidInput naming the field.
    """

    coupon_id: UUID
    code: str
    percent: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    scope: CouponScope = CouponScope.INVOICE
    plan_ids: frozenset[UUID] = frozenset()
    charge_ids: frozenset[ChargeId] = frozenset()
    use_limit: int = NO_LIMIT
    """How many bills it is used on: 1 for once, ``NO_LIMIT`` for ever."""

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise InvalidInput(
                "code is 1 to 64 letters, digits, - and _, the first a letter or a digit.",
                field="code",
            )
        if not 1 <= self.use_limit <= NO_LIMIT:
            raise InvalidInput(
                "duration is once, forever, or a number of bills from 1 on.", field="duration"
            )
        self._require_value()
        _require_named(self.scope, CouponScope.PLAN, self.plan_ids, field="plan_ids")
        _require_named(self.scope, CouponScope.LINES, self.charge_ids, field="charge_ids")

    def _require_value(self) -> None:
        if (self.percent is None) == (self.amount is None):
            raise InvalidInput("Send percent or amount, one of them.", field="percent")
        require_decimals(percent=self.percent, amount=self.amount)
        if self.percent is not None:
            if not ZERO < self.percent <= _WHOLE:
                raise InvalidInput("percent is above 0 and at most 100.", field="percent")
            if self.currency is not None:
                raise InvalidInput("A percentage has no currency.", field="currency")
            return
        if self.currency is None:
            raise InvalidInput("An amount needs its currency.", field="currency")
        currency = find_currency(self.currency)
        assert self.amount is not None
        if self.amount <= ZERO or currency.round(self.amount) != self.amount:
            raise InvalidInput(
                f"amount is above 0, with at most {currency.exponent} decimal places.",
                field="amount",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A coupon that a customer has. ``number`` is the how manieth of the coupon it was.

    ``order`` puts those of a customer in the order in which they were attached.
    """

    redemption_id: UUID
    coupon: Coupon
    order: int


def in_order(redemptions: Iterable[Redemption]) -> list[Redemption]:
    """Redemptions in the order in which they take off: lines, plan, invoice; the oldest first."""
    return sorted(redemptions, key=lambda one: (_RANKS[one.coupon.scope], one.order))


def normal_code(code: str) -> str:
    """A code as it is compared and shown: letters of any case are one."""
    return code.strip().upper()


def _require_named(
    scope: CouponScope, wanted: CouponScope, ids: frozenset[UUID], *, field: str
) -> None:
    if (scope is wanted) != bool(ids):
        raise InvalidInput(
            f"{field} names what a coupon of scope {wanted.value} is for, and only of that.",
            field=field,
        )
