"""The audit log as a list with a cursor (CONTRACT section 6, 62, 77)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Clock, Person

AUDIT = "/api/v1/audit"
ORGANIZATION = "/api/v1/organization"


def change(owner: Person, clock: Clock, times: int) -> None:
    for number in range(times):
        clock.advance(seconds=1)
        owner.patch(ORGANIZATION, json={"payment_terms_days": number})


def test_cursor_walks_through_every_entry_once_newest_first(owner: Person, clock: Clock) -> None:
    change(owner, clock, 5)

    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"page_size": "2", **({"cursor": cursor} if cursor else {})}
        page = owner.get(AUDIT, params=query).json()
        seen += page["data"]
        cursor = page["meta"]["next_cursor"]

    days = [entry["after"]["payment_terms_days"] for entry in seen[:5]]
    assert days == [4, 3, 2, 1, 0]
    assert seen[-1]["action"] == "organization.created"
    assert len({entry["id"] for entry in seen}) == len(seen) == 6


def test_entries_that_come_meanwhile_do_not_shift_what_the_cursor_shows(
    owner: Person, clock: Clock
) -> None:
    change(owner, clock, 4)
    first = owner.get(AUDIT, params={"page_size": 2}).json()
    change(owner, clock, 3)

    second = owner.get(
        AUDIT, params={"page_size": 2, "cursor": first["meta"]["next_cursor"]}
    ).json()

    assert [entry["after"]["payment_terms_days"] for entry in second["data"]] == [1, 0]


def test_pages_and_totals_are_told_beside_the_cursor(owner: Person, clock: Clock) -> None:
    change(owner, clock, 2)

    meta = owner.get(AUDIT, params={"page": 2, "page_size": 2}).json()["meta"]

    assert meta == {
        "page": 2,
        "page_size": 2,
        "total": 3,
        "total_pages": 2,
        "next_cursor": None,
    }
    assert owner.get(AUDIT, params={"page": 9}).json()["data"] == []


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "%00", "'; DROP TABLE audit_entry"])
def test_cursor_of_nobody_is_refused(owner: Person, cursor: str) -> None:
    answer = owner.get(AUDIT, params={"cursor": cursor})

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    "query", [{"page": 0}, {"page": -1}, {"page": "x"}, {"page_size": 0}, {"page_size": 101}]
)
def test_pages_out_of_range_are_refused(owner: Person, query: dict[str, str]) -> None:
    answer = owner.get(AUDIT, params=query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(query))


def test_keys_need_a_billing_scope(owner: Person, visitor: Person) -> None:
    key = owner.make_key("usage.read")

    assert visitor.get(AUDIT, headers={"X-API-Key": key}).status_code == 403


def test_log_holds_no_secret(owner: Person) -> None:
    key = owner.make_key("usage.read")
    refresh = owner.cookies["refresh_token"]

    text = owner.get(AUDIT).text

    assert key not in text
    assert refresh not in text
    assert "hash" not in text
