"""Invitations: a link that is good once, for a week, and until it is revoked (CONTRACT 103)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.context import AppContext
from tests.api.access.furnished import organization_of
from tests.api.access.logging_in import cookies_of
from tests.api.members_story import token_in
from tests.api.people import PASSWORD, Clock, Person

V1 = "/api/v1"
INVITATIONS = f"{V1}/invitations"
ACCEPT = f"{V1}/auth/accept-invitation"


def invite(by: Person, email: str, role: str = "developer") -> dict[str, Any]:
    answer = by.post(INVITATIONS, json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def accept(person: Person, link: str, password: str = PASSWORD) -> tuple[int, str]:
    answer = person.post(ACCEPT, json={"token": token_in(link), "password": password})
    return answer.status_code, answer.json().get("code", "")


def status_of(by: Person, invitation: dict[str, Any]) -> str:
    return str(by.get(f"{INVITATIONS}/{invitation['id']}").json()["status"])


def test_invitation_answers_with_a_link_that_lists_do_not_show(
    owner: Person, context: AppContext
) -> None:
    made = invite(owner, "new@lumenworks.test")

    assert made["link"].startswith("http://127.0.0.1:8000/join#")
    assert made["expires_at"] == "2026-03-09T08:00:00Z"
    assert (made["role"], made["status"]) == ("developer", "open")
    listed = owner.get(INVITATIONS).json()["data"]
    assert listed == [{name: value for name, value in made.items() if name != "link"}]
    _, organization_id = organization_of(owner)
    with context.transactions.for_organization(organization_id) as session:
        stored = session.execute(text("SELECT invitation::text FROM invitation")).scalar_one()
    assert token_in(made["link"]) not in stored


def test_accepting_makes_a_member_who_is_logged_in(owner: Person, visitor: Person) -> None:
    made = invite(owner, visitor.email, "billing")
    body = {"token": token_in(made["link"]), "password": PASSWORD}

    answer = visitor.post(ACCEPT, json=body)

    assert answer.status_code == 201
    assert set(cookies_of(answer)) == {"access_token", "refresh_token"}
    assert (answer.json()["user"]["email"], answer.json()["user"]["role"]) == (
        visitor.email,
        "billing",
    )
    ours, theirs = (one.get(f"{V1}/organization").json()["id"] for one in (owner, visitor))
    assert ours == theirs
    log_in = {"email": visitor.email, "password": PASSWORD}
    assert visitor.post(f"{V1}/auth/login", json=log_in).status_code == 200
    shown = owner.get(f"{INVITATIONS}/{made['id']}").json()
    assert (shown["status"], shown["user_id"]) == ("accepted", answer.json()["user"]["id"])


def test_link_is_good_once(owner: Person, visitor: Person, app: FastAPI) -> None:
    made = invite(owner, visitor.email)
    assert accept(visitor, made["link"])[0] == 201

    assert accept(Person(app), made["link"]) == (404, "link_invalid")
    assert owner.delete(f"{INVITATIONS}/{made['id']}").json()["code"] == "invitation_ended"
    again = owner.post(f"{INVITATIONS}/{made['id']}/resend")
    assert (again.status_code, again.json()["code"]) == (409, "invitation_ended")


def test_of_several_who_accept_at_once_one_joins(owner: Person, app: FastAPI) -> None:
    made = invite(owner, "race@lumenworks.test")

    with ThreadPoolExecutor(4) as together:
        results = list(together.map(lambda _: accept(Person(app), made["link"]), range(4)))

    assert sorted(status for status, _ in results) == [201, 404, 404, 404]
    assert owner.get(f"{V1}/members").json()["meta"]["total"] == 2


def test_link_is_good_for_a_week(owner: Person, visitor: Person, clock: Clock) -> None:
    made = invite(owner, visitor.email)
    clock.advance(days=6, hours=23, minutes=59, seconds=59)
    owner.post(f"{V1}/auth/refresh")
    assert status_of(owner, made) == "open"
    clock.advance(seconds=1)

    assert accept(visitor, made["link"]) == (404, "link_invalid")
    assert status_of(owner, made) == "expired"
    renewed = invite(owner, visitor.email)
    assert status_of(owner, made) == "revoked"
    assert accept(visitor, renewed["link"])[0] == 201


def test_resending_makes_another_link_and_the_former_worthless(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    made = invite(owner, visitor.email)
    clock.advance(days=5)
    owner.post(f"{V1}/auth/refresh")

    sent = owner.post(f"{INVITATIONS}/{made['id']}/resend").json()

    assert sent["expires_at"] == "2026-03-14T08:00:00Z"
    assert accept(visitor, made["link"]) == (404, "link_invalid")
    assert accept(visitor, sent["link"])[0] == 201


def test_revoked_invitation_opens_nothing_and_revoking_repeats(
    owner: Person, visitor: Person
) -> None:
    made = invite(owner, visitor.email)

    codes = [owner.delete(f"{INVITATIONS}/{made['id']}").status_code for _ in range(2)]

    assert codes == [204, 204]
    assert accept(visitor, made["link"]) == (404, "link_invalid")
    assert invite(owner, visitor.email)["status"] == "open"


def test_who_is_a_member_or_invited_is_not_invited_again(owner: Person) -> None:
    invite(owner, "Twice@lumenworks.test")

    for email, code in (
        (owner.email.upper(), "already_member"),
        ("twice@lumenworks.test", "already_invited"),
    ):
        answer = owner.post(INVITATIONS, json={"email": email, "role": "admin"})
        assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_two_invitations_of_one_person_at_once_are_one(owner: Person) -> None:
    body = {"email": "both@lumenworks.test", "role": "billing"}

    with ThreadPoolExecutor(4) as together:
        codes = list(
            together.map(lambda _: owner.post(INVITATIONS, json=body).status_code, range(4))
        )

    assert sorted(codes) == [201, 409, 409, 409]


def test_nobody_learns_who_has_an_account_elsewhere_before_the_link_is_used(
    owner: Person, app: FastAPI
) -> None:
    stranger = Person(app).sign_up("Elsewhere")

    made = invite(owner, stranger.email)

    assert accept(Person(app), made["link"]) == (409, "email_taken")
    assert status_of(owner, made) == "open"


@pytest.mark.parametrize("password", ["short-7", "aaaaaaaa", "lumenworks1", "password"])
def test_bad_password_leaves_the_link_good(owner: Person, visitor: Person, password: str) -> None:
    made = invite(owner, visitor.email)

    status, _ = accept(visitor, made["link"], password)

    assert status == 422
    assert accept(visitor, made["link"])[0] == 201


@pytest.mark.parametrize("token", ["x", "a" * 200, "' OR 1=1 --", "../../etc/passwd", "\u202e"])
def test_tokens_that_are_none_get_the_same_answer(visitor: Person, token: str) -> None:
    assert accept(visitor, f"#{token}") == (404, "link_invalid")


def test_guesses_at_links_are_counted_by_address(
    visitor: Person, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.access.address_limits.REFUSED_AFTER_SECONDS", 0.01)
    made = invite(owner, visitor.email)
    statuses = [accept(visitor, f"#{number}")[0] for number in range(31)]

    assert statuses == [404] * 30 + [429]
    assert accept(visitor, made["link"]) == (429, "too_many_refusals")


def test_repeated_creation_under_an_idempotency_key_shows_no_link(owner: Person) -> None:
    body = {"email": "once@lumenworks.test", "role": "billing"}
    first, second = (
        owner.post(INVITATIONS, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    )

    assert second.json() == {n: value for n, value in first.json().items() if n != "link"}
    assert owner.get(INVITATIONS).json()["meta"]["total"] == 1


def test_without_a_mail_server_the_mail_says_so_and_the_link_works(
    owner: Person, visitor: Person
) -> None:
    made = invite(owner, visitor.email)

    [mail] = owner.get(f"{V1}/emails").json()["data"]
    assert (mail["cause"], mail["to"], mail["status"]) == ("invitation", visitor.email, "failed")
    assert accept(visitor, made["link"])[0] == 201
