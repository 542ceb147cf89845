"""The journal as a file: its languages, its days, and that it is sent in parts."""

from __future__ import annotations

from typing import Any

import pytest

from services.books import journal
from tests.api.payments.paying import issue, pay
from tests.api.people import Person
from tests.api.sold import V1

EXPORT = f"{V1}/exports/journal"


@pytest.mark.parametrize(
    ("language", "media_type", "first"),
    [
        ("csv", "text/csv; charset=utf-8", "date,entry,kind,documents,"),
        ("beancount", "text/plain; charset=utf-8", 'option "title"'),
        ("HLEDGER", "text/plain; charset=utf-8", "decimal-mark ."),
    ],
)
def test_journal_is_a_file_in_the_language_that_was_asked_for(
    owner: Person, invoice: dict[str, Any], language: str, media_type: str, first: str
) -> None:
    answer = owner.get(EXPORT, params={"format": language})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].endswith(f'"journal.{language.lower()}"')
    assert answer.text.startswith(first)
    assert invoice["invoice_number"] in answer.text


def test_journal_is_of_the_days_that_were_asked_for(
    owner: Person, customer: dict[str, Any]
) -> None:
    pay(owner, issue(owner, customer), 100)
    # Where the second of March has not begun yet.
    owner.patch(f"{V1}/organization", json={"timezone": "Pacific/Honolulu"})

    def kinds(**days: str) -> list[str]:
        rows = owner.get(EXPORT, params=days).text.splitlines()[1:]
        return [row.split(",")[2] for row in rows]

    whole = ["invoice"] * 2 + ["applied"] * 2 + ["paid"] * 2
    assert sorted(kinds()) == sorted(whole)
    assert kinds() == kinds(**{"from": "2026-03-01", "to": "2026-03-01"})
    assert kinds(**{"from": "2026-03-02"}) == kinds(to="2026-02-28") == []
    assert kinds() == kinds(**{"from": "0001-01-01", "to": "9999-12-31"})


def test_journal_longer_than_a_page_is_whole(
    owner: Person, customer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in range(1, 6):
        pay(owner, issue(owner, customer, amount), amount)
    whole = owner.get(EXPORT, params={"format": "beancount"}).text
    assert journal.read_page.__kwdefaults__ is not None
    monkeypatch.setitem(journal.read_page.__kwdefaults__, "limit", 2)

    assert owner.get(EXPORT, params={"format": "beancount"}).text == whole


@pytest.mark.parametrize(("name", "value"), [("format", "xlsx"), ("from", "yesterday")])
def test_what_cannot_be_exported_is_refused_and_named(owner: Person, name: str, value: str) -> None:
    answer = owner.get(EXPORT, params={name: value})

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [name]


def test_journal_does_not_end_before_it_begins(owner: Person) -> None:
    answer = owner.get(EXPORT, params={"from": "2026-03-02", "to": "2026-03-01"})

    assert (answer.status_code, answer.json()["code"]) == (422, "empty_span")
    assert answer.json()["errors"][0]["field"] == "to"
