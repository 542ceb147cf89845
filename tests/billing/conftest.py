"""Registers the hypothesis profiles; FLUXRATE_HYPOTHESIS_PROFILE chooses one for these tests."""

from __future__ import annotations

from hypothesis import settings

from tests.billing.profiles import EXAMPLES, thorough

for name, examples in EXAMPLES.items():
    settings.register_profile(f"billing-{name}", thorough, max_examples=examples)
