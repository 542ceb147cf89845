"""Balances and ledgers of credit on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.schemas.common import Exact, Moment, View
from api.schemas.pages import PartMeta, PartOf
from billing.credits.ledger import CreditPostingKind
from repositories.entitlements.balances import HeldLots
from services.credits.balances import Balance, Ledger, Sums


class LotView(View):
    """A grant that is alive, with what is left of it."""

    id: UUID
    """The grant's id."""
    rest: Exact
    """What can be drawn of it, in the unit; what is held is not."""
    expires_at: Moment | None
    """From when on it cannot be spent any more; null for never."""


class CreditBalanceView(View):
    """What a customer has in a unit at an instant: a sum, and nothing that was kept."""

    unit: str
    """What all amounts are counted in."""
    at: Moment
    """The instant, by the customer's clock."""
    settled: Exact
    """What is left of all grants that are alive then, what is held too."""
    accruing: Exact
    """What the usage of periods that are not billed yet has used of it."""
    held: Exact
    """What holds have set aside."""
    available: Exact
    """What can be spent: `settled` less `accruing` less `held`."""
    grants: list[LotView]
    """The grants that are alive then and have something left."""
    watermark: int | None
    """Up to which arrival of an event usage was counted; null where none was."""


class LedgerEntryView(View):
    """One movement of a customer's credit."""

    id: UUID
    at: Moment
    """When it counts, by the customer's clock; an expiry does so as the grant's time is over."""
    booked_at: Moment
    """When it was written, which is late for what nobody waited for."""
    kind: CreditPostingKind
    """What happened."""
    amount: Exact
    """By how much the grant's rest moved, in the unit; below 0 where it became less."""
    balance_after: Exact
    """What all of the customer's grants had left after it, net of holds."""
    grant_id: UUID
    """The grant that moved."""
    invoice_id: UUID | None
    """The invoice that drew it, or gave it back; null where none did."""
    line_id: UUID | None
    """The line that drew it; null where none did."""
    credit_note_id: UUID | None
    """The credit note that gave it back; null where none did."""
    hold_id: UUID | None
    """The hold that it is of; null where it is of none."""


def view_balance(balance: Balance) -> CreditBalanceView:
    """The balance as the API shows it."""
    return CreditBalanceView(unit=balance.unit.code, at=balance.at, **_show_sums(balance))


def view_lots(found: HeldLots) -> Mapping[str, object]:
    """All that a balance says that nothing accrues to, but in which unit and when."""
    return _show_sums(Sums(lots=found.lots, held=found.held))


def _show_sums(sums: Sums) -> dict[str, Any]:
    return {
        "settled": sums.settled,
        "accruing": sums.accruing,
        "held": sums.held,
        "available": sums.available,
        "grants": [
            {"id": one.grant_id, "rest": one.rest, "expires_at": one.expires_at}
            for one in sums.lots
            if one.rest
        ],
        "watermark": sums.watermark,
    }


def view_ledger(
    ledger: Ledger, *, page_size: int, next_cursor: str | None
) -> PartOf[LedgerEntryView]:
    """The ledger as the API shows it."""
    return PartOf[LedgerEntryView](
        data=[LedgerEntryView.model_validate(one, from_attributes=True) for one in ledger.rows],
        meta=PartMeta(page_size=page_size, next_cursor=next_cursor),
    )
