"""Codes of an authenticator that count for their own half minute alone (OWASP ASVS 5, 6.5.5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.app import create_app
from api.context import AppContext
from runtime.security import Security
from tests import passwords
from tests.api.access.test_second_step import Enrolled, enrol
from tests.api.conftest import SECRET
from tests.api.people import Clock, Person


@pytest.fixture
def strict(context: AppContext, clock: Clock) -> Enrolled:
    """Somebody of an installation that tolerates no clock that differs."""
    security = Security(SECRET, passwords=passwords.QUICK, code_tolerance_steps=0)
    return enrol(Person(create_app(replace(context, security=security))).sign_up(), clock)


@pytest.mark.parametrize(("seconds", "status"), [(-30, 401), (0, 200), (30, 401)])
def test_a_code_is_good_for_its_own_half_minute_alone_where_the_operator_says_so(
    strict: Enrolled, seconds: int, status: int
) -> None:
    strict.clock.advance(seconds=300)

    assert strict.log_in(strict.code(seconds=seconds))[0] == status
