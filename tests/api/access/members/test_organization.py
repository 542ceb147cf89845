"""The organization's settings (CONTRACT section 6)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.people import Person

ORGANIZATION = "/api/v1/organization"
AUDIT = "/api/v1/audit"


SETTINGS_AT_FIRST = {
    "name": "Lumen Works",
    "slug": "lumen-works",
    "legal_name": None,
    "tax_id": None,
    "registration_number": None,
    "contact_name": None,
    "contact_phone": None,
    "contact_email": None,
    "logo": None,
    "document_language": "en",
    "timezone": "UTC",
    "currency": "USD",
    "billing_address_line1": None,
    "billing_address_city": None,
    "billing_address_state": None,
    "billing_address_postal_code": None,
    "billing_address_country": None,
    "payment_terms_days": 30,
    "grace_period_minutes": 60,
    "proration": "day",
    "late_usage": "next_invoice",
    "number_at": "draft",
    "plan_edits": "next_period",
    "auto_create_customers": True,
    "auto_email": True,
    "bank_details": {},
    "smtp_host": None,
    "surplus_payments": "credit",
    "dunning": {"retry_days": [1, 3, 5, 7], "then": "none"},
    "reminder_days": [-3, 1, 7],
    "smtp_port": 587,
    "smtp_username": None,
    "smtp_use_tls": True,
    "smtp_from_email": None,
    "smtp_from_name": None,
    "smtp_reply_to": None,
    "has_smtp_password": False,
    "require_second_factor": False,
    "embed_hosts": [],
    "sandbox_id": None,
    "sandbox_of": None,
    "created_at": "2026-03-02T08:00:00Z",
}


def test_settings_begin_with_the_documented_values(owner: Person) -> None:
    settings = owner.get(ORGANIZATION).json()

    assert settings == SETTINGS_AT_FIRST | {"id": settings["id"]}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"name": " Lumen "}, {"name": "Lumen"}),
        ({"slug": "lumen-2"}, {"slug": "lumen-2"}),
        ({"legal_name": "Lumen Works Ltd"}, {"legal_name": "Lumen Works Ltd"}),
        ({"tax_id": " DE136695976 "}, {"tax_id": "DE136695976"}),
        ({"registration_number": "HRB 1"}, {"registration_number": "HRB 1"}),
        ({"contact_phone": "+49 30 1"}, {"contact_phone": "+49 30 1"}),
        ({"contact_email": "a@harbor.test"}, {"contact_email": "a@harbor.test"}),
        ({"tax_id": None}, {"tax_id": None}),
        ({"document_language": "DE"}, {"document_language": "de"}),
        ({"timezone": "Europe/Berlin"}, {"timezone": "Europe/Berlin"}),
        ({"currency": "eur"}, {"currency": "EUR"}),
        ({"billing_address_country": "de"}, {"billing_address_country": "DE"}),
        ({"billing_address_country": None}, {"billing_address_country": None}),
        ({"payment_terms_days": 0}, {"payment_terms_days": 0}),
        ({"grace_period_minutes": 0}, {"grace_period_minutes": 0}),
        ({"proration": "SECOND"}, {"proration": "second"}),
        ({"late_usage": "Credit_Note_Or_Invoice"}, {"late_usage": "credit_note_or_invoice"}),
        ({"number_at": "Finalization"}, {"number_at": "finalization"}),
        ({"auto_create_customers": False}, {"auto_create_customers": False}),
        ({"auto_email": False}, {"auto_email": False}),
        (
            {"dunning": {"then": "Pause"}},
            {"dunning": {"retry_days": [1, 3, 5, 7], "then": "pause"}},
        ),
        (
            {"dunning": {"retry_days": [2]}},
            {"dunning": {"retry_days": [2], "then": "none"}},
        ),
        ({"reminder_days": [-7, 0, 14]}, {"reminder_days": [-7, 0, 14]}),
        ({"reminder_days": []}, {"reminder_days": []}),
        ({}, {}),
    ],
    ids=str,
)
def test_patch_changes_what_it_names_and_nothing_else(
    owner: Person, sent: dict[str, Any], stored: dict[str, Any]
) -> None:
    before = owner.get(ORGANIZATION).json()

    answer = owner.patch(ORGANIZATION, json=sent)

    assert answer.status_code == 200
    assert answer.json() == {**before, **stored}
    assert owner.get(ORGANIZATION).json() == {**before, **stored}


LOGO = (
    "data:image/svg+xml;base64,"
    + b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8H0z"/></svg>'
    ).decode()
)


def test_logo_is_kept_and_its_digest_recorded(owner: Person) -> None:
    assert owner.patch(ORGANIZATION, json={"logo": LOGO}).json()["logo"] == LOGO
    refused = owner.patch(ORGANIZATION, json={"logo": "data:image/png;base64,AAAA"})
    assert owner.get(ORGANIZATION).json()["logo"] == LOGO
    assert owner.patch(ORGANIZATION, json={"logo": None}).json()["logo"] is None

    assert refused.status_code == 422
    assert refused.json()["code"] == "invalid_logo"
    assert refused.json()["errors"][0]["field"] == "logo"
    recorded = owner.get("/api/v1/audit").text
    assert "sha256:" in recorded
    assert LOGO not in recorded


def test_bank_details_keep_every_digit(owner: Person) -> None:
    body = (
        b'{"bank_details":{"iban":"DE02","limit":0.1000000000000000001,"n":[12345678901234567.89]}}'
    )

    owner.patch(ORGANIZATION, content=body, headers={"Content-Type": "application/json"})

    text = owner.get(ORGANIZATION).text
    assert "0.1000000000000000001" in text
    assert "12345678901234567.89" in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", None),
        ("name", "x" * 501),
        ("slug", "Lumen Works"),
        ("slug", None),
        ("legal_name", ""),
        ("tax_id", "x" * 501),
        ("registration_number", 7),
        ("contact_email", "nobody"),
        ("document_language", "tlh"),
        ("document_language", None),
        ("timezone", "Mars/Olympus"),
        ("timezone", ""),
        ("timezone", None),
        ("timezone", "../../etc/passwd"),
        ("currency", "XXX"),
        ("currency", "XAU"),
        ("currency", "US"),
        ("currency", None),
        ("billing_address_country", "Germany"),
        ("billing_address_country", "ZZ"),
        ("payment_terms_days", -1),
        ("payment_terms_days", 3651),
        ("payment_terms_days", 1.5),
        ("payment_terms_days", "30"),
        ("payment_terms_days", True),
        ("payment_terms_days", None),
        ("payment_terms_days", 10**40),
        ("grace_period_minutes", -1),
        ("grace_period_minutes", 525_601),
        ("proration", "hour"),
        ("proration", None),
        ("late_usage", "refund"),
        ("number_at", "never"),
        ("auto_email", "true"),
        ("auto_email", 1),
        ("auto_email", None),
        ("bank_details", None),
        ("bank_details", []),
        ("bank_details", "iban"),
        ("bank_details", {str(number): 1 for number in range(51)}),
        ("bank_details", {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}),
        ("bank_details", {"text": "x" * 32_768}),
        ("id", "01a20d74-6f58-7f55-83e2-2a84454cb958"),
        ("created_at", "2026-03-02T08:00:00Z"),
        ("plan", "gold"),
    ],
)
def test_bad_setting_is_refused_by_field_and_changes_nothing(
    owner: Person, field: str, value: object
) -> None:
    before = owner.get(ORGANIZATION).json()

    answer = owner.patch(ORGANIZATION, json={"name": "Changed", field: value})

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert owner.get(ORGANIZATION).json() == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400000", "1e-31", "1" * 31, "1" * 5000])
def test_numbers_out_of_bounds_in_free_form_data_are_refused(owner: Person, number: str) -> None:
    answer = owner.patch(
        ORGANIZATION,
        content=f'{{"bank_details":{{"limit":{number}}}}}'.encode(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 422
    assert owner.get(ORGANIZATION).json()["bank_details"] == {}


def test_change_is_in_the_audit_log_with_both_values(owner: Person) -> None:
    user_id = owner.post("/api/v1/auth/refresh").json()["user"]["id"]

    answer = owner.patch(
        ORGANIZATION, json={"grace_period_minutes": 0}, headers={"X-Request-Id": "change-of-grace"}
    )

    assert answer.headers["x-request-id"] == "change-of-grace"
    entry = owner.get(AUDIT).json()["data"][0]
    assert entry["action"] == "organization.updated"
    assert entry["actor"] == f"user:{user_id}"
    assert entry["before"] == {"grace_period_minutes": 60}
    assert entry["after"] == {"grace_period_minutes": 0}
    assert entry["request_id"] == "change-of-grace"
    assert entry["at"] == "2026-03-02T08:00:00Z"


def test_repeated_change_is_recorded_once(owner: Person) -> None:
    for _ in range(3):
        owner.patch(ORGANIZATION, json={"grace_period_minutes": 5})

    actions = [entry["action"] for entry in owner.get(AUDIT).json()["data"]]

    assert actions.count("organization.updated") == 1


def test_organizations_never_see_each_other(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    stranger = sign_up("Lumen Works")

    stranger.patch(ORGANIZATION, json={"name": "Theirs", "slug": "lumen-works"})

    assert owner.get(ORGANIZATION).json()["name"] == "Lumen Works"
    assert owner.get(ORGANIZATION).json()["id"] != stranger.get(ORGANIZATION).json()["id"]
    assert "Theirs" not in owner.get(AUDIT).text


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"dunning": {"retry_days": [0]}}, "dunning.retry_days"),
        ({"dunning": {"retry_days": [3, 1]}}, "dunning.retry_days"),
        ({"dunning": {"retry_days": ["1"]}}, "dunning.retry_days.0"),
        ({"dunning": {"then": "delete"}}, "dunning.then"),
        ({"dunning": {"retries": [1]}}, "dunning.retries"),
        ({"dunning": None}, "dunning"),
        ({"reminder_days": [1, 1]}, "reminder_days"),
        ({"reminder_days": [366]}, "reminder_days"),
        ({"reminder_days": [1.5]}, "reminder_days.0"),
    ],
    ids=str,
)
def test_days_that_make_no_schedule_are_refused_by_name(
    owner: Person, sent: dict[str, Any], field: str
) -> None:
    refused = owner.patch(ORGANIZATION, json=sent)

    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == [field]


def test_what_a_change_of_dunning_leaves_out_stays(owner: Person) -> None:
    owner.patch(ORGANIZATION, json={"dunning": {"retry_days": [2, 4]}})

    changed = owner.patch(ORGANIZATION, json={"dunning": {"then": "cancel"}}).json()

    assert changed["dunning"] == {"retry_days": [2, 4], "then": "cancel"}
