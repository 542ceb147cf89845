"""A second step of logging in: codes that are good once, and codes for the loss (CONTRACT 103)."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.context import AppContext
from tests.api.access.furnished import organization_of
from tests.api.members_story import code_of
from tests.api.people import PASSWORD, Clock, Person

V1 = "/api/v1"
TOTP = f"{V1}/auth/totp"
LOG_IN = f"{V1}/auth/login"
ORGANIZATION = f"{V1}/organization"


@dataclass
class Enrolled:
    """Somebody with an authenticator, and what it shares with us."""

    person: Person
    secret: str
    recovery_codes: list[str]
    clock: Clock

    def code(self, *, seconds: float = 0) -> str:
        """What it shows, so many seconds before or after now."""
        instant = self.clock.instant
        self.clock.advance(seconds=seconds)
        shown = code_of(self.secret, self.clock.instant)
        self.clock.instant = instant
        return shown

    def log_in(self, code: str | None = None, password: str = PASSWORD) -> tuple[int, str]:
        assert isinstance(self.person.app, FastAPI)
        body = {"email": self.person.email, "password": password, "code": code}
        answer = Person(self.person.app).post(LOG_IN, json=body)
        return answer.status_code, answer.json().get("code", "")


@pytest.fixture
def enrolled(owner: Person, clock: Clock) -> Enrolled:
    return enrol(owner, clock)


def enrol(owner: Person, clock: Clock) -> Enrolled:
    """They have an authenticator."""
    begun = owner.post(TOTP, json={"password": PASSWORD}).json()
    code = code_of(begun["secret"], clock.instant)
    confirmed = owner.post(f"{TOTP}/confirm", json={"code": code})
    assert confirmed.status_code == 200, confirmed.text
    # The code that confirmed it is used up; the next one is half a minute away.
    clock.advance(seconds=30)
    return Enrolled(owner, begun["secret"], confirmed.json()["recovery_codes"], clock)


def test_enrolment_gives_what_authenticators_take(owner: Person, clock: Clock) -> None:
    answer = owner.post(TOTP, json={"password": PASSWORD})

    assert answer.status_code == 201
    begun = answer.json()
    assert re.fullmatch("[A-Z2-7]{32}", begun["secret"])
    assert begun["uri"].startswith("otpauth://totp/Lumen%20Works:")
    assert f"secret={begun['secret']}" in begun["uri"]
    assert "issuer=Lumen+Works" in begun["uri"]
    assert owner.get(TOTP).json() == {
        "enabled": False,
        "confirmed_at": None,
        "recovery_codes_left": 0,
    }
    body = {"email": owner.email, "password": PASSWORD}
    assert owner.post(LOG_IN, json=body).status_code == 200


def test_confirming_takes_a_code_of_the_secret(owner: Person, clock: Clock) -> None:
    assert owner.post(f"{TOTP}/confirm", json={"code": "000000"}).json()["code"] == "totp_not_begun"
    begun = owner.post(TOTP, json={"password": PASSWORD}).json()
    right = code_of(begun["secret"], clock.instant)
    wrong = "000000" if right != "000000" else "000001"

    refused = owner.post(f"{TOTP}/confirm", json={"code": wrong})
    confirmed = owner.post(f"{TOTP}/confirm", json={"code": f"{right[:3]} {right[3:]}"})

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_code")
    codes = confirmed.json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert all(re.fullmatch("[A-Z2-7]{6}(-[A-Z2-7]{6}){3}", code) for code in codes)
    assert owner.get(TOTP).json()["recovery_codes_left"] == 10
    again = owner.post(TOTP, json={"password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (409, "totp_enabled")
    once_more = owner.post(f"{TOTP}/confirm", json={"code": right})
    assert once_more.json()["code"] == "totp_enabled"


def test_log_in_takes_the_password_and_then_a_code(enrolled: Enrolled) -> None:
    assert enrolled.log_in() == (401, "second_factor_required")
    assert enrolled.log_in(enrolled.code(), password="wrong-horse-9") == (
        401,
        "invalid_credentials",
    )
    assert enrolled.log_in(enrolled.code()) == (200, "")


def test_code_is_good_once_also_within_its_window(enrolled: Enrolled) -> None:
    code = enrolled.code()
    assert enrolled.log_in(code) == (200, "")

    assert enrolled.log_in(code) == (401, "invalid_code")
    enrolled.clock.advance(seconds=29)
    assert enrolled.log_in(code) == (401, "invalid_code")


def test_code_before_one_that_was_used_is_not_good_any_more(enrolled: Enrolled) -> None:
    enrolled.clock.advance(seconds=60)
    earlier = enrolled.code(seconds=-30)
    assert enrolled.log_in(enrolled.code()) == (200, "")

    assert enrolled.log_in(earlier) == (401, "invalid_code")


def test_code_that_confirmed_the_authenticator_does_not_log_in(owner: Person, clock: Clock) -> None:
    secret = owner.post(TOTP, json={"password": PASSWORD}).json()["secret"]
    code = code_of(secret, clock.instant)
    assert owner.post(f"{TOTP}/confirm", json={"code": code}).status_code == 200

    body = {"email": owner.email, "password": PASSWORD, "code": code}
    assert owner.post(LOG_IN, json=body).json()["code"] == "invalid_code"


@pytest.mark.parametrize(
    ("seconds", "status"), [(-60, 401), (-30, 200), (0, 200), (30, 200), (60, 401)]
)
def test_clocks_may_differ_by_half_a_minute(enrolled: Enrolled, seconds: int, status: int) -> None:
    enrolled.clock.advance(seconds=300)

    assert enrolled.log_in(enrolled.code(seconds=seconds))[0] == status


def test_of_several_logins_with_one_code_at_once_one_succeeds(enrolled: Enrolled) -> None:
    code = enrolled.code()

    with ThreadPoolExecutor(4) as together:
        results = list(together.map(lambda _: enrolled.log_in(code)[0], range(4)))

    assert sorted(results) == [200, 401, 401, 401]


def test_recovery_code_is_good_once_however_it_is_written(enrolled: Enrolled) -> None:
    first, second = enrolled.recovery_codes[:2]

    assert enrolled.log_in(first.lower().replace("-", " ")) == (200, "")

    assert enrolled.log_in(first) == (401, "invalid_code")
    with ThreadPoolExecutor(4) as together:
        results = list(together.map(lambda _: enrolled.log_in(second)[0], range(4)))
    assert sorted(results) == [200, 401, 401, 401]
    assert enrolled.person.get(TOTP).json()["recovery_codes_left"] == 8


def test_recovery_codes_of_another_person_open_nothing(enrolled: Enrolled, app: FastAPI) -> None:
    other = Person(app).sign_up("Elsewhere")
    begun = other.post(TOTP, json={"password": PASSWORD}).json()
    code = code_of(begun["secret"], enrolled.clock.instant)
    theirs = other.post(f"{TOTP}/confirm", json={"code": code}).json()["recovery_codes"]

    assert enrolled.log_in(theirs[0]) == (401, "invalid_code")
    assert enrolled.log_in(code) == (401, "invalid_code")


def test_renewed_recovery_codes_replace_the_former(enrolled: Enrolled) -> None:
    answer = enrolled.person.post(f"{TOTP}/recovery-codes", json={"password": PASSWORD})

    renewed = answer.json()["recovery_codes"]
    assert not set(renewed) & set(enrolled.recovery_codes)
    assert enrolled.log_in(enrolled.recovery_codes[0]) == (401, "invalid_code")
    assert enrolled.log_in(renewed[0]) == (200, "")


def test_wrong_codes_use_up_the_logins_that_may_fail(enrolled: Enrolled) -> None:
    codes = [enrolled.log_in("000000")[1] for _ in range(11)]

    assert codes == ["invalid_code"] * 10 + ["too_many_failures"]


@pytest.mark.parametrize("code", ["", "x" * 101, "１２３４５６", "12345", "' OR 1=1", "\u202e"])
def test_strange_codes_are_refused(enrolled: Enrolled, code: str) -> None:
    assert enrolled.log_in(code)[0] in {401, 422}


@pytest.mark.parametrize("path", ["", "/recovery-codes", "/disable"])
def test_each_change_asks_for_the_password(enrolled: Enrolled, path: str) -> None:
    person = enrolled.person

    wrong = person.post(f"{TOTP}{path}", json={"password": "wrong-horse-9"})
    none = person.post(f"{TOTP}{path}", json={})

    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert none.status_code == 422
    assert person.get(TOTP).json()["enabled"]


def test_disabled_second_step_is_gone_with_its_codes(
    enrolled: Enrolled, context: AppContext
) -> None:
    answer = enrolled.person.post(f"{TOTP}/disable", json={"password": PASSWORD})

    assert answer.json() == {"enabled": False, "confirmed_at": None, "recovery_codes_left": 0}
    assert enrolled.log_in() == (200, "")
    assert rows_of(enrolled.person, context) == [0, 0]
    again = enrolled.person.post(f"{TOTP}/disable", json={"password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (409, "totp_not_enabled")


def rows_of(person: Person, context: AppContext) -> list[Any]:
    _, organization_id = organization_of(person)
    with context.transactions.for_organization(organization_id) as session:
        return [
            session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("totp_factor", "recovery_code")
        ]


def test_database_holds_neither_the_secret_nor_a_code(
    enrolled: Enrolled, context: AppContext
) -> None:
    _, organization_id = organization_of(enrolled.person)
    with context.transactions.for_organization(organization_id) as session:
        factors = session.execute(text("SELECT totp_factor::text FROM totp_factor")).scalars().all()
        codes = session.execute(text("SELECT recovery_code::text FROM recovery_code")).scalars()
        stored = " ".join([*factors, *codes]).upper()

    assert enrolled.secret not in stored
    assert not [one for one in enrolled.recovery_codes if one.replace("-", "") in stored]


def test_members_without_an_authenticator_reach_their_own_account_alone(
    enrolled: Enrolled, clock: Clock
) -> None:
    owner = enrolled.person
    member = owner.invite("admin")
    key = owner.post(f"{V1}/api-keys", json={"name": "CI", "scopes": ["billing.read"]}).json()
    assert member.get(f"{V1}/plans").status_code == 200

    assert owner.patch(ORGANIZATION, json={"require_second_factor": True}).status_code == 200
    clock.advance(seconds=2)
    wait_until_forgotten()

    for path in ("/plans", "/organization", "/members", "/api-keys", "/usage"):
        answer = member.get(f"{V1}{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing"), path
    assert member.get(f"{V1}/auth/sessions").status_code == 200
    assert owner.get(f"{V1}/plans").status_code == 200
    assert isinstance(member.app, FastAPI)
    by_key = Person(member.app).get(f"{V1}/plans", headers={"X-API-Key": key["key"]})
    assert by_key.status_code == 200

    begun = member.post(TOTP, json={"password": PASSWORD}).json()
    code = code_of(begun["secret"], clock.instant)
    assert member.post(f"{TOTP}/confirm", json={"code": code}).status_code == 200
    assert member.get(f"{V1}/plans").status_code == 200


def test_who_asks_for_authenticators_has_one(owner: Person) -> None:
    answer = owner.patch(ORGANIZATION, json={"require_second_factor": True})

    assert (answer.status_code, answer.json()["code"]) == (409, "second_factor_missing")
    assert owner.get(ORGANIZATION).json()["require_second_factor"] is False


def test_a_sandbox_asks_what_its_organization_asks(enrolled: Enrolled, clock: Clock) -> None:
    owner = enrolled.person
    sandbox = owner.post(f"{ORGANIZATION}/sandbox").json()["id"]
    acting = {"Fluxrate-Organization": sandbox}
    sent = {"require_second_factor": True}

    refused = owner.patch(ORGANIZATION, json=sent, headers=acting)

    assert (refused.status_code, refused.json()["code"]) == (409, "is_sandbox")
    member = owner.invite("admin")
    assert owner.patch(ORGANIZATION, json=sent).status_code == 200
    wait_until_forgotten()
    answer = member.get(f"{V1}/plans", headers=acting)
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")


def wait_until_forgotten() -> None:
    """Who is logged in is known for a second."""
    time.sleep(1.1)
