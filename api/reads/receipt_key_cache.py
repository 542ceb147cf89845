"""The public keys of all organizations, read now and then, whoever asks how often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from repositories.invoicing import receipt_keys as stored_keys
from repositories.transactions import Transactions

GOOD_FOR: Final = timedelta(minutes=5)

ALL: Final = "all"
"""What is asked for by whoever names no key."""

Keys = Mapping[str, str]
"""The public half of each key by its id, oldest first."""


class ReceiptKeyCache:
    """The keys as they were read lately. Used by one event loop."""

    def __init__(self) -> None:
        self._keys: Keys = {}
        self._good_until: datetime | None = None

    def find(self, key_id: str, *, now: datetime) -> Keys | None:
        """What is known of the key, or of all; None where it must be read.

        A key that was made since is not known yet: what it signed can be checked at once.
        """
        if self._good_until is None or self._good_until <= now:
            return None
        if key_id == ALL:
            return self._keys
        return {key_id: self._keys[key_id]} if key_id in self._keys else None

    def put(self, keys: Keys, *, now: datetime) -> None:
        """Remember all keys for as long as those who ask may."""
        self._keys, self._good_until = keys, now + GOOD_FOR


def read_keys(transactions: Transactions, key_id: str) -> Keys:
    """A key, or all of them."""
    with transactions.looking_up(stored_keys.KEYS, key_id) as session:
        return dict(stored_keys.list_published(session))
