"""What moves credit: the kinds of postings, their keys, and what a movement does to a grant's rest.

A posting is both sides of its movement: what it adds to its grant it takes from the other side, so
that every movement's sum is zero. Source: CREDITS 1 to 3.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.credits.grants import Grant, GrantKind
from billing.errors import InvariantBroken
from billing.money import ZERO, exactly


class CreditPostingKind(StrEnum):
    """Why the rest of a grant moves."""

    GRANTED = "granted"
    DRAWN = "drawn"
    RETURNED = "returned"
    EXPIRED = "expired"
    ROLLED = "rolled"
    REFUNDED = "refunded"
    HELD = "held"
    RELEASED = "released"


class CreditSide(StrEnum):
    """The other side of a posting: where credit comes from, and where it goes."""

    SOLD = "sold"
    GIVEN = "given"
    USED = "used"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    HELD = "held"
    ROLLED = "rolled"


OF_HOLDS: Final = frozenset({CreditPostingKind.HELD, CreditPostingKind.RELEASED})
"""What only sets credit aside: it is the customer's all the same."""

_OTHER_SIDES: Final = {
    CreditPostingKind.DRAWN: CreditSide.USED,
    CreditPostingKind.RETURNED: CreditSide.USED,
    CreditPostingKind.EXPIRED: CreditSide.EXPIRED,
    CreditPostingKind.ROLLED: CreditSide.ROLLED,
    CreditPostingKind.REFUNDED: CreditSide.REFUNDED,
    CreditPostingKind.HELD: CreditSide.HELD,
    CreditPostingKind.RELEASED: CreditSide.HELD,
}


def other_side(kind: CreditPostingKind, grant: Grant, *, was_rolled: bool = False) -> CreditSide:
    """Where a posting takes what it adds to its grant. ``was_rolled``: the grant is a rollover."""
    if kind is not CreditPostingKind.GRANTED:
        return _OTHER_SIDES[kind]
    if was_rolled:
        return CreditSide.ROLLED
    return CreditSide.SOLD if grant.kind is GrantKind.PAID else CreditSide.GIVEN


@exactly
def rest_after(rest: Decimal, amount: Decimal, *, granted: Decimal) -> Decimal:
    """What is left of a grant of ``granted`` once it moved by ``amount``.

    Raises: InvariantBroken below nothing and above what was granted. The table
    ``credit_posting`` has the same two bounds as constraints. Source: rule 3.
    """
    after = rest + amount
    if not ZERO <= after <= granted:
        raise InvariantBroken(f"A grant of {granted} cannot have {after} left.")
    return after


def key_of_grant(grant_id: UUID) -> str:
    """A grant is granted once."""
    return f"grant/{grant_id}"


def key_of_draw(invoice_id: UUID, line_position: int, grant_id: UUID) -> str:
    """A grant pays a line once."""
    return f"draw/{invoice_id}/{line_position}/{grant_id}"


def key_of_return(document_id: UUID, grant_id: UUID) -> str:
    """A void or a credit note gives back to a grant once."""
    return f"return/{document_id}/{grant_id}"


def key_of_end(grant_id: UUID) -> str:
    """A grant is over once, at its time or before it."""
    return f"expire/{grant_id}"


def key_of_late_end(grant_id: UUID, document_id: UUID) -> str:
    """What a document gives back to a grant that is over is gone once."""
    return f"expire/{grant_id}/{document_id}"


def key_of_roll(grant_id: UUID) -> str:
    """A grant rolls over once."""
    return f"roll/{grant_id}"


def key_of_late_roll(grant_id: UUID, document_id: UUID) -> str:
    """What a document gives back to a grant that is over lives on once."""
    return f"roll/{grant_id}/{document_id}"


def key_of_hold(hold_id: UUID, grant_id: UUID) -> str:
    """A hold sets credit of a grant aside once."""
    return f"hold/{hold_id}/{grant_id}"


def key_of_release(hold_id: UUID, grant_id: UUID) -> str:
    """What a hold set aside of a grant is free again once."""
    return f"release/{hold_id}/{grant_id}"


def key_of_settling(hold_id: UUID, grant_id: UUID) -> str:
    """A hold is settled from a grant once."""
    return f"settle/{hold_id}/{grant_id}"
