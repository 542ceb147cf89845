"""Erasures that should be over and are not, for whoever looks after the installation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from repositories.accounts import organizations as stored_organizations
from repositories.personal_data import erasures as stored_erasures
from repositories.transactions import Transactions

OVERDUE_AFTER: Final = timedelta(days=1)
"""Ten million events take an hour or two."""

PAGE: Final = 500


def count_overdue(transactions: Transactions, *, now: datetime) -> int:
    """How many erasures of all organizations were asked for a day ago and are not done yet."""
    overdue, after = 0, None
    while page := _read_directory(transactions, after):
        with transactions.for_organizations(page) as session:
            overdue += stored_erasures.count_unfinished(
                session, page, requested_before=now - OVERDUE_AFTER
            )
        after = page[-1]
    return overdue


def _read_directory(transactions: Transactions, after: UUID | None) -> list[UUID]:
    with transactions.for_organizations([]) as session:
        return list(stored_organizations.list_directory_after(session, after, limit=PAGE))
