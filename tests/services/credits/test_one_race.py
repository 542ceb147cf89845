"""All of a wallet is asked for at once: what the suite tries of ``test_races``."""

from __future__ import annotations

from tests.services.credits.test_races import test_everything_goes_but_no_more, transactions

__all__ = ["test_everything_goes_but_no_more", "transactions"]
