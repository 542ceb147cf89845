"""The organization whose usage these tests read."""

from __future__ import annotations

import pytest

from tests.api.people import Person
from tests.api.usage.studio import Studio


@pytest.fixture
def studio(owner: Person) -> Studio:
    return Studio(owner)
