"""Numbers and days are written as whoever looks writes them; words and files stay as they are."""

from __future__ import annotations

import re

import pytest

from tests.api.people import Person
from tests.console.billed import billed, words_of

NO_BREAK = "\N{NO-BREAK SPACE}"


def looked_at(owner: Person, path: str, accepted: str) -> str:
    answer = owner.get(path, headers={"Accept-Language": accepted})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("accepted", "money", "number", "day"),
    [
        ("", "$15.00", "1,500", "1 Mar 2026"),
        ("en-US,en;q=0.9", "$15.00", "1,500", "1 Mar 2026"),
        ("en-GB", "US$15.00", "1,500", "1 Mar 2026"),
        ("de-DE,de;q=0.9,en;q=0.8", f"15,00{NO_BREAK}$", "1.500", "01.03.2026"),
        ("pt-BR", f"US${NO_BREAK}15,00", "1.500", "1 de mar. de 2026"),
        ("zz-ZZ, it", f"15,00{NO_BREAK}USD", "1500", "1 mar 2026"),
        ("*", "$15.00", "1,500", "1 Mar 2026"),
        ("../../etc/passwd,x-y-z-$%", "$15.00", "1,500", "1 Mar 2026"),
    ],
)
def test_numbers_and_days_are_written_by_the_locale_of_who_looks(
    owner: Person, accepted: str, money: str, number: str, day: str
) -> None:
    _, invoice = billed(owner, 2_500)

    page = looked_at(owner, f"/console/invoices/{invoice['id']}", accepted)

    shown = page.replace("&nbsp;", NO_BREAK)
    assert f"<dd>{money}</dd>" in shown
    assert re.search(rf'<time datetime="2026-03-01T[^>]*UTC"[^>]*>{re.escape(day)}</time>', shown)
    assert "Total" in words_of(shown)
    assert number in shown


def test_days_say_in_which_language_they_are_written(owner: Person) -> None:
    _, invoice = billed(owner)
    path = f"/console/invoices/{invoice['id']}"

    assert 'lang="pt-BR">' in looked_at(owner, path, "pt-BR")
    assert "lang=" not in looked_at(owner, path, "en").partition("<body")[2]


def test_files_are_the_same_for_everybody(owner: Person) -> None:
    billed(owner)

    files = {
        accepted: looked_at(owner, "/console/invoices?format=csv", accepted)
        for accepted in ("en", "de", "ar")
    }

    assert len(set(files.values())) == 1


def test_parts_and_streams_are_written_alike(owner: Person) -> None:
    _, invoice = billed(owner)
    script = {"HX-Request": "true", "Accept-Language": "de"}

    part = owner.get(f"/console/invoices/{invoice['id']}/derivation", headers=script).text

    assert f"5,00{NO_BREAK}$" in part.replace("&nbsp;", NO_BREAK)
