"""Row-level security alone: every condition on the organization is taken out of every statement.

What the first wall does stands in ``tests/api/access/test_tenants.py``; these are the same two
organizations, where nothing but the database tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.security import Security
from tests.api.access.furnished import V1
from tests.api.access.test_tenants import WITH_IDS, everything_of
from tests.api.isolation.defeated import Defeated, without_filters, without_policies
from tests.api.isolation.two import Two, two_organizations
from tests.servers import superuser_url

READING = [operation for operation in WITH_IDS if operation[0] == "GET"]
FEWEST_STATEMENTS = 150
"""How many different statements lose their condition, at least: else the test tests nothing."""


@pytest.fixture
def defeated(two: Two) -> Iterator[Defeated]:
    """From here on no statement says whose rows it is about."""
    assert two.my_ids
    with without_filters() as defeated:
        yield defeated


@pytest.mark.usefixtures("defeated")
def test_no_operation_tells_what_is_theirs_from_what_is_nobodys(two: Two) -> None:
    assert two.leaks() == {}


@pytest.mark.usefixtures("defeated")
def test_no_list_shows_a_thing_of_theirs(two: Two) -> None:
    assert two.seen() == set()


def test_nothing_of_theirs_was_changed(two: Two, defeated: Defeated) -> None:
    before = everything_of(two.theirs, two.their_ids)

    for operation in WITH_IDS:
        two.ask(operation, two.their_ids)

    assert everything_of(two.theirs, two.their_ids) == before
    assert len(defeated.statements) >= FEWEST_STATEMENTS


def test_without_the_second_wall_the_same_application_leaks(
    database_url: str, security: Security
) -> None:
    # What the tests above would find if a policy were missing.
    with (
        without_policies(),
        two_organizations(superuser_url(database_url), security) as two,
        without_filters(),
    ):
        assert {"customer_id", "invoice_id"} <= two.seen()
        assert f"GET {V1}/customers/{{customer_id}}" in two.leaks(READING)
