"""How hard the properties are tried: 200 examples each, 2,000 at the gate, 50,000 in depth.

That holds for every property that carries the number of an invariant. Properties beside the
invariants take a quarter of them in the suite and at the gate, which is ``make properties``.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

EXAMPLES: Final = {"quick": 60, "default": 200, "gate": 2_000, "deep": 50_000}
SUPPORTING_EXAMPLES: Final = {**EXAMPLES, "default": 50, "gate": 500}

PROFILE: Final = os.environ.get("FLUXRATE_HYPOTHESIS_PROFILE", "default")
IS_DEEP: Final = PROFILE == "deep"

# A decorator instead of a loaded profile: other packages' properties keep their own settings.
thorough: Final = settings(
    max_examples=EXAMPLES[PROFILE],
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
supporting: Final = settings(thorough, max_examples=SUPPORTING_EXAMPLES[PROFILE])
