"""Members: listed, given roles, removed; an organization keeps an owner (CONTRACT 103)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.people import PASSWORD, Person

V1 = "/api/v1"
MEMBERS = f"{V1}/members"
LOG_IN = f"{V1}/auth/login"
ORGANIZATION = f"{V1}/organization"


def members_of(person: Person) -> dict[str, dict[str, Any]]:
    return {one["email"]: one for one in person.get(MEMBERS).json()["data"]}


def id_of(owner: Person, member: Person) -> str:
    return str(members_of(owner)[member.email]["id"])


def set_role(by: Person, whom: str, role: str) -> tuple[int, str]:
    answer = by.patch(f"{MEMBERS}/{whom}", json={"role": role})
    return answer.status_code, answer.json().get("code", "")


def test_members_are_listed_with_their_roles(owner: Person) -> None:
    developer = owner.invite("developer")

    listed = owner.get(MEMBERS).json()

    assert [(one["email"], one["role"]) for one in listed["data"]] == [
        (owner.email, "owner"),
        (developer.email, "developer"),
    ]
    first = listed["data"][0]
    assert set(first) == {"id", "user_id", "email", "role", "created_at"}
    assert first["id"] == first["user_id"]
    assert listed["meta"]["total"] == 2
    assert owner.get(MEMBERS, params={"role": "Developer"}).json()["meta"]["total"] == 1
    assert owner.get(MEMBERS, params={"role": "intern"}).json()["code"] == "unknown_role"
    assert owner.get(f"{MEMBERS}/{first['id']}").json() == first


@pytest.mark.parametrize("role", ["billing", "developer", "read_only"])
def test_only_owners_and_admins_see_members(owner: Person, role: str) -> None:
    member = owner.invite(role)

    for method, path in (("GET", MEMBERS), ("POST", f"{V1}/invitations")):
        answer = member.request(method, path, json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")


def test_role_in_any_case_holds_from_the_next_request_and_repeats_change_nothing(
    owner: Person,
) -> None:
    member = owner.invite("read_only")
    whom = id_of(owner, member)
    assert member.post(f"{V1}/customers", json={}).status_code == 403

    changed = [set_role(owner, whom, role) for role in ("BILLING", "billing")]

    assert changed == [(200, ""), (200, "")]
    assert member.post(f"{V1}/customers", json={}).status_code == 422
    actions = [one["action"] for one in owner.get(f"{V1}/audit").json()["data"]]
    assert actions.count("member.updated") == 1


def test_unknown_role_is_named(owner: Person) -> None:
    whom = id_of(owner, owner.invite("billing"))

    answer = owner.patch(f"{MEMBERS}/{whom}", json={"role": "intern"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "role"


def test_removed_member_is_out_at_once_and_may_come_again(owner: Person) -> None:
    member = owner.invite("admin")
    whom = id_of(owner, member)
    member.post(f"{V1}/api-keys", json={"name": "Theirs", "scopes": ["billing.read"]})
    refresh = member.cookies["refresh_token"]

    assert owner.delete(f"{MEMBERS}/{whom}").status_code == 204

    assert member.get(ORGANIZATION).status_code == 401
    answer = member.post(f"{V1}/auth/refresh", headers={"Cookie": f"refresh_token={refresh}"})
    assert answer.status_code == 401
    refused = member.post(LOG_IN, json={"email": member.email, "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
    assert members_of(owner).keys() == {owner.email}
    assert owner.get(f"{MEMBERS}/{whom}").status_code == 404
    assert owner.delete(f"{MEMBERS}/{whom}").status_code == 404
    again = owner.post(f"{V1}/invitations", json={"email": member.email, "role": "billing"})
    assert again.status_code == 201
    made = [
        one for one in owner.get(f"{V1}/audit").json()["data"] if one["action"] == "api_key.created"
    ]
    assert made[0]["actor"] == f"user:{whom}"


def test_member_is_logged_out_everywhere_at_once_and_may_log_in_again(owner: Person) -> None:
    member = owner.invite("admin")
    sessions = f"{MEMBERS}/{id_of(owner, member)}/sessions"
    refresh = member.cookies["refresh_token"]
    assert member.get(ORGANIZATION).status_code == 200

    assert owner.delete(sessions).status_code == 204
    assert owner.delete(sessions).status_code == 204

    assert member.get(ORGANIZATION).status_code == 401
    answer = member.post(f"{V1}/auth/refresh", headers={"Cookie": f"refresh_token={refresh}"})
    assert answer.status_code == 401
    assert owner.get(ORGANIZATION).status_code == 200
    logged_in = member.post(LOG_IN, json={"email": member.email, "password": PASSWORD})
    assert logged_in.status_code == 200
    told = [one["action"] for one in owner.get(f"{V1}/audit").json()["data"]]
    assert told.count("user.sessions_ended") == 1


def test_an_admin_logs_no_owner_out(owner: Person) -> None:
    admin = owner.invite("admin")

    answer = admin.delete(f"{MEMBERS}/{id_of(admin, owner)}/sessions")

    assert (answer.status_code, answer.json()["code"]) == (403, "role_too_high")
    assert owner.get(ORGANIZATION).status_code == 200


def test_last_owner_neither_leaves_nor_steps_down(owner: Person) -> None:
    whom = id_of(owner, owner)
    owner.invite("admin")

    left = owner.delete(f"{MEMBERS}/{whom}")
    stepped = set_role(owner, whom, "admin")

    assert (left.status_code, left.json()["code"]) == (409, "last_owner")
    assert stepped == (409, "last_owner")
    assert members_of(owner)[owner.email]["role"] == "owner"
    assert owner.get(ORGANIZATION).status_code == 200


def test_owner_leaves_once_there_is_another(owner: Person) -> None:
    other = owner.invite("owner")

    assert owner.delete(f"{MEMBERS}/{id_of(owner, owner)}").status_code == 204

    assert owner.get(ORGANIZATION).status_code == 401
    assert members_of(other).keys() == {other.email}


def test_admins_neither_make_owners_nor_touch_them(owner: Person) -> None:
    admin = owner.invite("admin")
    whom, own = id_of(owner, owner), id_of(owner, admin)
    developer = id_of(owner, owner.invite("developer"))

    invited = admin.post(f"{V1}/invitations", json={"email": "x@y.test", "role": "owner"})
    removed = admin.delete(f"{MEMBERS}/{whom}")

    for status, code in (
        (invited.status_code, invited.json()["code"]),
        (removed.status_code, removed.json()["code"]),
        set_role(admin, whom, "read_only"),
        set_role(admin, developer, "owner"),
        set_role(admin, own, "owner"),
    ):
        assert (status, code) == (403, "role_too_high")
    assert set_role(admin, developer, "billing") == (200, "")


@pytest.mark.parametrize("how", ["removed", "demoted"])
def test_what_a_former_admin_invited_opens_nothing(
    owner: Person, visitor: Person, how: str
) -> None:
    admin = owner.invite("admin")
    whom = id_of(owner, admin)
    asked = {"email": visitor.email, "role": "admin"}
    link = admin.post(f"{V1}/invitations", json=asked).json()["link"]
    kept = owner.post(f"{V1}/invitations", json={"email": "k@y.test", "role": "admin"}).json()

    if how == "removed":
        owner.delete(f"{MEMBERS}/{whom}")
    else:
        set_role(owner, whom, "developer")

    body = {"token": link.partition("#")[2], "password": PASSWORD}
    answer = visitor.post(f"{V1}/auth/accept-invitation", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "link_invalid")
    listed = owner.get(f"{V1}/invitations").json()["data"]
    assert {one["id"]: one["status"] for one in listed}[kept["id"]] == "open"


def test_two_owners_who_demote_each_other_at_once_leave_one(owner: Person) -> None:
    for _ in range(4):
        other = owner.invite("owner")
        pairs = [(owner, id_of(owner, other)), (other, id_of(owner, owner))]

        with ThreadPoolExecutor(2) as together:
            results = list(together.map(lambda pair: set_role(pair[0], pair[1], "admin")[0], pairs))

        assert sorted(results) in ([200, 403], [200, 409]), results
        left = [
            one
            for one in (owner, other)
            if one.get(MEMBERS, params={"role": "owner"}).json()["meta"]["total"]
        ]
        listed = left[0].get(MEMBERS, params={"role": "owner"}).json()["data"]
        assert len(listed) == 1
        if listed[0]["email"] != owner.email:
            assert set_role(other, id_of(other, owner), "owner") == (200, "")
        assert set_role(owner, id_of(owner, other), "read_only") == (200, "")


def test_acting_for_the_sandbox_members_are_the_organizations_own(owner: Person) -> None:
    sandbox = owner.post(f"{V1}/organization/sandbox").json()["id"]
    acting = {"Fluxrate-Organization": sandbox}
    asked = {"email": "there@lumenworks.test", "role": "developer"}

    invited = owner.post(f"{V1}/invitations", json=asked, headers=acting)

    assert invited.status_code == 201
    assert owner.get(MEMBERS, headers=acting).json() == owner.get(MEMBERS).json()
    assert owner.get(f"{V1}/invitations").json()["meta"]["total"] == 1
    assert owner.get(f"{V1}/auth/sessions", headers=acting).status_code == 200
    recorded = owner.get(f"{V1}/audit").json()["data"][0]
    assert recorded["action"] == "invitation.created"


def test_edit_of_a_member_that_was_not_seen_is_refused(owner: Person) -> None:
    whom = f"{MEMBERS}/{id_of(owner, owner.invite('developer'))}"
    seen = {"If-Match": owner.get(whom).headers["ETag"]}
    assert owner.patch(whom, json={"role": "billing"}, headers=seen).status_code == 200

    assert owner.patch(whom, json={"role": "admin"}, headers=seen).status_code == 412
