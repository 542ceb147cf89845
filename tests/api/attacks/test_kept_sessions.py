"""Cookies and tokens that outlived what they were for, or came from somebody else.

Tokens with something wrong in themselves are in ``tests/api/access/test_token_attacks.py``; here
each is a good one at the wrong time, in the wrong place or beside another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from tests.api.people import PASSWORD, Clock, Person

V1 = "/api/v1"
NEW = "a-new-horse-battery-9"


@dataclass(frozen=True, slots=True)
class Scene:
    """The people of an attack: an owner, a member, somebody of another organization, a thief."""

    app: FastAPI
    owner: Person
    member: Person
    stranger: Person
    clock: Clock

    def thief_with(self, access: str | None = None, refresh: str | None = None) -> Person:
        """Somebody who has these cookies of somebody else."""
        thief = Person(self.app)
        for name, value in (("access_token", access), ("refresh_token", refresh)):
            if value is not None:
                thief.cookies.set(name, value)
        return thief

    def tokens(self, person: Person) -> tuple[str, str]:
        return person.cookies["access_token"], person.cookies["refresh_token"]


def reads(person: Person) -> int:
    return person.get(f"{V1}/organization").status_code


def renews(person: Person) -> int:
    return person.post(f"{V1}/auth/refresh").status_code


def _logged_out(scene: Scene) -> tuple[str, str]:
    kept = scene.tokens(scene.member)
    assert scene.member.post(f"{V1}/auth/logout").status_code in {200, 204}
    return kept


def _changed_password(scene: Scene) -> tuple[str, str]:
    other = Person(scene.app)
    other.post(f"{V1}/auth/login", json={"email": scene.member.email, "password": PASSWORD})
    kept = scene.tokens(other)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert scene.member.post(f"{V1}/auth/change-password", json=body).status_code == 200
    return kept


def _removed(scene: Scene) -> tuple[str, str]:
    kept = scene.tokens(scene.member)
    members = scene.owner.get(f"{V1}/members").json()["data"]
    whom = next(one["id"] for one in members if one["email"] == scene.member.email)
    assert scene.owner.delete(f"{V1}/members/{whom}").status_code == 204
    return kept


def _ended_elsewhere(scene: Scene) -> tuple[str, str]:
    kept = scene.tokens(scene.member)
    other = Person(scene.app)
    other.post(f"{V1}/auth/login", json={"email": scene.member.email, "password": PASSWORD})
    assert other.delete(f"{V1}/auth/sessions").status_code in {200, 204}
    return kept


def _too_old(scene: Scene) -> tuple[str, str]:
    kept = scene.tokens(scene.member)
    scene.clock.advance(days=8)
    return kept


def _reused_refresh(scene: Scene) -> tuple[str, str]:
    first = scene.member.cookies["refresh_token"]
    assert renews(scene.member) == 200
    newer = scene.member.cookies["access_token"]
    scene.clock.advance(minutes=2)
    assert renews(scene.thief_with(refresh=first)) == 401
    # Whoever holds the newer ones is logged out as well: one of the two is a thief.
    return newer, scene.member.cookies["refresh_token"]


ENDED: dict[str, Callable[[Scene], tuple[str, str]]] = {
    "after logging out": _logged_out,
    "after another session changed the password": _changed_password,
    "after the member was removed": _removed,
    "after all other sessions were ended": _ended_elsewhere,
    "after a week": _too_old,
    "after a refresh token was used twice": _reused_refresh,
}


@pytest.fixture
def scene(app: FastAPI, owner: Person, sign_up: Callable[[str], Person], clock: Clock) -> Scene:
    return Scene(app, owner, owner.invite("admin"), sign_up("Elsewhere"), clock)


@pytest.mark.parametrize("end", ENDED.values(), ids=ENDED)
def test_tokens_of_a_session_that_ended_open_nothing(
    scene: Scene, end: Callable[[Scene], tuple[str, str]]
) -> None:
    access, refresh = end(scene)

    assert reads(scene.thief_with(access)) == 401
    assert renews(scene.thief_with(refresh=refresh)) == 401
    headers = {"Authorization": f"Bearer {access}"}
    assert Person(scene.app).get(f"{V1}/organization", headers=headers).status_code == 401


def test_less_of_a_role_holds_for_tokens_from_before(scene: Scene) -> None:
    access, _ = scene.tokens(scene.member)
    members = scene.owner.get(f"{V1}/members").json()["data"]
    whom = next(one["id"] for one in members if one["email"] == scene.member.email)

    scene.owner.patch(f"{V1}/members/{whom}", json={"role": "read_only"})
    body = {"name": "x", "scopes": ["usage.write"]}

    assert scene.thief_with(access).post(f"{V1}/api-keys", json=body).status_code == 403


@pytest.mark.parametrize("order", ["theirs first", "mine first"])
def test_of_two_cookies_of_one_name_no_mixture_is_made(scene: Scene, order: str) -> None:
    """Cookie tossing: a page of a neighbouring host sets a second cookie of the same name."""
    mine, theirs = scene.tokens(scene.owner)[0], scene.tokens(scene.stranger)[0]
    pair = (theirs, mine) if order == "theirs first" else (mine, theirs)
    header = "; ".join(f"access_token={token}" for token in pair)

    answer = Person(scene.app).get(f"{V1}/organization", headers={"Cookie": header})

    # Whichever is read, it is read whole: the organization is that of its session.
    own = {
        scene.owner.get(f"{V1}/organization").json()["id"],
        scene.stranger.get(f"{V1}/organization").json()["id"],
    }
    assert answer.status_code == 401 or answer.json()["id"] in own


@pytest.mark.parametrize("name", ["fluxrate-organization", "Fluxrate-Organization"])
def test_a_header_does_not_turn_my_session_into_theirs(scene: Scene, name: str) -> None:
    foreign = scene.stranger.get(f"{V1}/organization").json()["id"]

    answer = scene.owner.get(f"{V1}/organization", headers={name: foreign})

    assert answer.status_code == 404


def test_an_access_token_beside_a_refresh_token_of_somebody_else(scene: Scene) -> None:
    access, _ = scene.tokens(scene.owner)
    _, refresh = scene.tokens(scene.stranger)
    mixed = scene.thief_with(access, refresh)

    answer = mixed.post(f"{V1}/auth/refresh")

    assert answer.status_code in {200, 401}
    if answer.status_code == 200:
        renewed = mixed.get(f"{V1}/organization").json()["id"]
        assert renewed == scene.stranger.get(f"{V1}/organization").json()["id"]


@pytest.mark.parametrize("field", ["access_token", "token", "api_key", "key", "X-API-Key"])
def test_secrets_in_an_address_open_nothing(scene: Scene, field: str) -> None:
    """Addresses stand in logs, histories and Referer headers."""
    access, _ = scene.tokens(scene.owner)
    key = scene.owner.make_key("billing.read")

    for secret in (access, key):
        answer = Person(scene.app).get(f"{V1}/organization", params={field: secret})
        assert answer.status_code in {401, 422}
        assert secret not in answer.text


@pytest.mark.parametrize("method", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL"])
def test_headers_of_other_frameworks_change_no_request(scene: Scene, method: str) -> None:
    headers = {method: "DELETE" if "Method" in method else "/api/v1/organization"}

    assert Person(scene.app).post(f"{V1}/auth/login", json={}, headers=headers).status_code == 422


def test_cookies_say_what_a_browser_must_keep_to(scene: Scene) -> None:
    answer = Person(scene.app).post(
        f"{V1}/auth/login", json={"email": scene.owner.email, "password": PASSWORD}
    )

    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "domain=" not in cookie.lower()
