"""Where processes that are one program together count, so that each shows the sum of all."""

from __future__ import annotations

import os
from typing import Final

COUNTERS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Prometheus' client knows by this variable, when it is imported, that it is one of several."""


def find_counters_directory() -> str | None:
    """The directory of files in which this process counts, None if it is alone."""
    return os.environ.get(COUNTERS_DIRECTORY)
