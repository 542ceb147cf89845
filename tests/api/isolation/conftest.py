"""Two organizations of one application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.security import Security
from tests.api.isolation.two import Two, two_organizations


@pytest.fixture(scope="module")
def two(module_database_url: str, security: Security) -> Iterator[Two]:
    with two_organizations(module_database_url, security) as two:
        yield two
