"""Issued invoices drawn by lot and computed again, so that a change behind our back is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import Session

from repositories.invoicing import receipts as stored_receipts
from services.invoicing.receipt_checks import find_end, judge
from services.receipts.flaws import Flaw

MOST_EVENTS: Final = 50_000
"""Of a larger bill its rows, seals and amounts are checked, and its events are not read again."""

Draw = Callable[[int], int]
"""A number below the one given, each as likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How many receipts were looked at, and what is wrong with them."""

    examined: int
    flaws: tuple[Flaw, ...]


def recompute_sample(session: Session, organization_id: UUID, count: int, draw: Draw) -> Sample:
    """Look at so many receipts of an organization, drawn by lot; a repeat is drawn but once.

    Each costs as much as the events of its period, ``MOST_EVENTS`` at most.
    """
    last = find_end(session, organization_id).sequence
    if last == 0:
        return Sample(examined=0, flaws=())
    flaws = []
    sequences = sorted({draw(last) for _ in range(count)})
    for sequence in sequences:
        found = stored_receipts.list_after(session, organization_id, sequence, limit=1)
        if not found:
            continue  # the receipts behind it were taken away, which the chain's own check finds
        flaw = judge(session, found[0], most_events=MOST_EVENTS).flaw
        if flaw is not None:
            flaws.append(flaw)
    return Sample(examined=len(sequences), flaws=tuple(flaws))
