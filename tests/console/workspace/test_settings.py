"""Members, keys and what they sent, one's own account, settings, credit and meters."""

from __future__ import annotations

import csv
import io
import re

from tests.api.people import PASSWORD, Person
from tests.api.sold import V1, post
from tests.console.billed import addresses_in, billed, words_of
from tests.console.workspace.test_actions import confirmed, form_of

REQUESTS = "/console/requests"


def test_key_is_shown_once(owner: Person) -> None:
    address, fields = form_of(owner, "/console/api-keys", "/make")
    hidden = {"key": fields["key"]}
    asked = hidden | {"name": "Events", "scopes.usage.write": "true"}

    made = words_of(owner.post(address, data=asked).text)
    again = words_of(owner.post(address, data=asked).text)

    [key] = owner.get(f"{V1}/api-keys").json()["data"]
    shown = re.findall(r"sk_live_\S+", made)
    assert key["scopes"] == ["usage.write"]
    assert shown[0].endswith(key["last_four"])
    assert shown[0] not in again
    assert shown[0] not in owner.get("/console/api-keys").text


def test_key_is_revoked_by_its_last_four_characters(owner: Person) -> None:
    owner.make_key("usage.write")
    [key] = owner.get(f"{V1}/api-keys").json()["data"]
    address, fields = form_of(owner, "/console/api-keys", "/revoke")

    assert owner.post(address, data=fields | {"confirmation": "nope"}).status_code == 422
    owner.post(address, data=fields | {"confirmation": key["last_four"]})

    [key] = owner.get(f"{V1}/api-keys").json()["data"]
    assert key["revoked_at"] is not None


def test_somebody_is_invited_and_given_another_role(owner: Person) -> None:
    address, fields = form_of(owner, "/console/members", "/invite")
    invited = owner.post(address, data=fields | {"email": "new@b.test", "role": "billing"})
    joined = owner.invite("developer")
    members = owner.get(f"{V1}/members").json()["data"]
    member_id = next(one["id"] for one in members if one["email"] == joined.email)

    page = "/console/members"
    address, fields = form_of(owner, page, f"{member_id}/role")
    owner.post(address, data=fields | {"role": "billing"})

    assert "/join#" in words_of(invited.text), words_of(invited.text)[300:900]
    assert owner.get(f"{V1}/members/{member_id}").json()["role"] == "billing"
    assert "new@b.test" in words_of(owner.get(page).text)
    address, fields = form_of(owner, page, "/withdraw")
    owner.post(address, data=confirmed(fields))
    assert "new@b.test" not in words_of(owner.get(page).text)


def test_settings_are_saved_and_what_is_emptied_is_null(owner: Person) -> None:
    owner.patch(f"{V1}/organization", json={"legal_name": "Lumen Works GmbH"})
    address, fields = form_of(owner, "/console/organization", "/organization")
    chosen = {"document_language": "de", "auto_email": "false", "auto_create_customers": "false"}
    changed = fields | chosen | {"legal_name": "", "payment_terms_days": "21"}

    saved = owner.post(address, data=changed | {"require_second_factor": "false"})

    found = owner.get(f"{V1}/organization").json()
    assert saved.status_code == 200
    assert found["legal_name"] is None
    assert (found["payment_terms_days"], found["document_language"]) == (21, "de")
    assert found["auto_create_customers"] is False


def test_password_is_changed_and_other_sessions_are_ended(owner: Person) -> None:
    assert owner.app is not None
    other = Person(owner.app)  # type: ignore[arg-type]  # the application is FastAPI's
    other.post(f"{V1}/auth/login", json={"email": owner.email, "password": PASSWORD})
    address, fields = form_of(owner, "/console/account", "/password")
    said = {"current_password": PASSWORD, "new_password": "quiet-harbor-94"}

    owner.post(address, data=fields | said)

    assert len(owner.get(f"{V1}/auth/sessions").json()["data"]) == 1
    assert other.get("/console", follow_redirects=False).status_code == 303


def test_authenticator_is_set_up_by_its_secret(owner: Person) -> None:
    address, fields = form_of(owner, "/console/account", "/totp")

    begun = owner.post(address, data=fields | {"password": PASSWORD})

    assert "otpauth://" in words_of(begun.text)
    assert "/console/account/totp/confirm" in begun.text


def test_credit_is_granted_and_ended_where_it_is_looked_at(owner: Person) -> None:
    _, invoice = billed(owner)
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    page = f"/console/customers/{invoice['customer_id']}/credits?unit=TOKENS"
    address, fields = form_of(owner, page, "/grant")

    granted = words_of(owner.post(address, data=fields | {"amount": "250"}).text)
    end, fields = form_of(owner, page, "/end")
    ended = words_of(owner.post(end, data=confirmed(fields)).text)

    assert "Available 250 TOKENS" in granted
    assert "Granted 250 250" in granted
    assert "250 of 250 TOKENS Active" in granted
    assert "Available 0 TOKENS" in ended


def test_hold_is_released(owner: Person) -> None:
    _, invoice = billed(owner)
    customer = invoice["customer_id"]
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    post(owner, f"/customers/{customer}/grants", {"unit": "TOKENS", "amount": 100})
    hold = {"unit": "TOKENS", "amount": 40, "expires_at": "2026-03-02T12:00:00Z"}
    post(owner, "/credits/holds", hold | {"customer_id": customer})
    page = f"/console/customers/{customer}/credits?unit=TOKENS"
    before = words_of(owner.get(page).text)

    address, fields = form_of(owner, page, "/release")
    after = words_of(owner.post(address, data=confirmed(fields)).text)

    assert "Held 40" in before
    assert "Held 0" in after
    assert "/release" not in owner.get(page).text


def test_event_is_tried_where_its_meter_is_shown(owner: Person) -> None:
    sold, _ = billed(owner)
    meter = sold.feature["meter"]
    address, fields = form_of(owner, f"/console/meters/{meter['id']}", "/try")
    typed = {"customer_external_id": "acct_77", "idempotency_key": "try-1", "quantity": "7"}

    told = words_of(owner.post(address, data=fields | typed).text)

    assert "Quantity 7" in told
    assert "It passes the meter's filters Yes" in told


def test_plan_tells_what_each_version_changed(owner: Person) -> None:
    sold, _ = billed(owner)

    words = words_of(owner.get(f"/console/plans/{sold.plan['id']}").text)

    assert "Version 1" in words
    assert "0.01" in words


def send(owner: Person) -> None:
    """A program of the owner's reads plans, and sends nonsense."""
    key = {"X-API-Key": owner.make_key("billing.write", "usage.write")}
    owner.get(f"{V1}/plans", headers=key)
    named = key | {"X-Request-Id": "deploy-4711"}
    owner.post(f"{V1}/plans", json={}, headers=named)


def test_screen_says_what_was_refused_and_why(owner: Person) -> None:
    send(owner)

    page = owner.get(REQUESTS).text
    refused = words_of(owner.get(f"{REQUESTS}?outcome=failed").text)

    assert "GET /plans Succeeded 200" in words_of(page)
    [code] = {one for one in addresses_in(page) if one.startswith("/errors/")}
    assert owner.get(code).status_code == 200
    assert "POST /plans Refused 422" in refused
    assert "deploy-4711" in refused
    assert "GET /plans Succeeded" not in refused


def test_file_is_what_is_listed(owner: Person) -> None:
    send(owner)

    file = owner.get(f"{REQUESTS}?outcome=failed&format=csv").text

    [row] = csv.DictReader(io.StringIO(file))
    assert (row["Request"], row["Status"], row["How many"]) == (f"POST {V1}/plans", "422", "1")
    assert (row["Key"], row["Request id"]) == ("Worker", "deploy-4711")


def test_key_leads_to_what_it_sent(owner: Person) -> None:
    send(owner)

    [address] = {
        one for one in addresses_in(owner.get("/console/api-keys").text) if "api_key_id" in one
    }

    assert "deploy-4711" in words_of(owner.get(address).text)


def test_nothing_was_sent_yet_says_what_comes_here(owner: Person) -> None:
    assert "stands here for a week" in words_of(owner.get(REQUESTS).text)


def test_what_failed_alike_stands_above_the_requests_and_leads_to_them(owner: Person) -> None:
    key = {"X-API-Key": owner.make_key("billing.read")}
    for _ in range(3):
        owner.get(f"{V1}/plans/studio", headers=key)
    owner.post(f"{V1}/plans", json={}, headers=key)

    page = owner.get(REQUESTS).text
    part = owner.get(f"{REQUESTS}/problems", headers={"HX-Request": "true"}).text
    [listed] = [one for one in addresses_in(part) if "code=plan_not_found" in one]
    narrowed = words_of(owner.get(listed).text)

    assert f'hx-get="{REQUESTS}/problems?"' in page
    assert "plan_not_found GET /plans/{id} 404 3" in words_of(part)
    assert "scope_missing POST /plans 403 1" in words_of(part)
    assert "plan_not_found" in narrowed
    assert "scope_missing" not in narrowed
    assert "plan_not_found GET /plans/{id} 404 3" in words_of(
        owner.get(f"{REQUESTS}?whole=now").text
    )
