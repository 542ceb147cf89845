"""Twenty clients at one limit: what the suite tries of ``test_limit_races``."""

from __future__ import annotations

from tests.services.entitlements.test_limit_races import (
    test_unique_values_at_once_never_pass_the_limit,
)

__all__ = ["test_unique_values_at_once_never_pass_the_limit"]
