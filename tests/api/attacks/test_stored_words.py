"""Words that are stored, and then stand in tables, documents, pages and headers."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from fastapi import FastAPI
from httpx2 import Response

from tests.api.attacks.corpora import FORMULAS, LINES, MARKUP
from tests.api.invoicing.test_documents import words_of
from tests.api.people import Person

V1 = "/api/v1"
COMPUTED = re.compile(r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that one spreadsheet or another computes."""


@pytest.fixture(scope="module")
def me(shared_app: FastAPI) -> Person:
    owner = Person(shared_app).sign_up("Lumen Works")
    settings = {
        "billing_address_line1": "1 Quay",
        "billing_address_city": "Dover",
        "billing_address_country": "GB",
    }
    assert owner.patch(f"{V1}/organization", json=settings).status_code == 200
    return owner


def bill(me: Person, words: str) -> str | None:
    """The id of an issued invoice that says these words wherever it can; None if refused."""
    customer = me.post(
        f"{V1}/customers",
        json={
            "name": words,
            "email": "ap@harbor.test",
            "billing_address_line1": words,
            "billing_address_city": "Dover",
            "billing_address_country": "GB",
        },
    )
    if customer.status_code == 422:
        return None
    assert customer.status_code == 201, customer.text
    invoice = me.post(
        f"{V1}/invoices",
        json={
            "customer_id": customer.json()["id"],
            "currency": "GBP",
            "due_date": "2026-04-01T00:00:00Z",
            "line_items": [{"description": words, "quantity": 1, "unit_amount": 100}],
        },
    )
    if invoice.status_code == 422:
        return None
    identifier: str = invoice.json()["id"]
    assert me.post(f"{V1}/invoices/{identifier}/finalize", json={}).status_code == 200
    return identifier


def squeezed(text: str) -> str:
    """The letters alone, since lines break elsewhere in a document, and compatible ones as one.

    What stands for a character that no document can have is a question mark.
    """
    plain = "".join(one for one in text if unicodedata.category(one) != "Cc")
    return re.sub(r"[\s\u200b\u00ad?]", "", unicodedata.normalize("NFKC", plain))


def got(me: Person, invoice_id: str, kind: str) -> Response:
    """A document of an invoice; whoever wrote its words named no header of it."""
    answer = me.get(f"{V1}/invoices/{invoice_id}/{kind}")
    assert answer.status_code == 200, answer.text
    assert "x-injected" not in answer.headers
    assert re.fullmatch(r'[\w; =".\-]*', answer.headers.get("content-disposition", ""))
    return answer


@pytest.mark.parametrize("words", [*MARKUP, *FORMULAS, *LINES])
def test_words_of_a_customer_stand_in_documents_as_they_are(me: Person, words: str) -> None:
    invoice_id = bill(me, words)
    if invoice_id is None:
        return

    shown = me.get(f"{V1}/invoices/{invoice_id}").json()["line_items"][0]["description"]
    text = got(me, invoice_id, "text").text
    pages = words_of(got(me, invoice_id, "pdf").content)
    ubl = ET.fromstring(got(me, invoice_id, "ubl").content)

    names = [one.text or "" for one in ubl.iter() if one.tag.endswith("}Name")]
    printable = squeezed(shown)
    assert printable in {squeezed(name) for name in names}
    assert printable in squeezed(text)
    assert printable in squeezed(pages)
    for found in (text, pages):
        assert "root:x:0" not in found
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x85]", found), found


def test_no_cell_of_a_table_is_computed(me: Person) -> None:
    for words in (*FORMULAS, *MARKUP, *LINES):
        bill(me, words)

    answer = me.get(f"{V1}/exports/journal", params={"format": "csv"})

    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.text)))
    names = [row[5] for row in rows[1:]]
    assert len(set(names)) > len(FORMULAS)
    assert [name for name in names if COMPUTED.match(name)] == []
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("words", LINES)
def test_line_ends_in_headers_and_names_make_no_line_elsewhere(
    me: Person, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    me.get(f"{V1}/customers", params={"q": words}, headers={"User-Agent": squeezed(words)})
    me.get(f"{V1}/customers/{quote(words, safe='')}")

    for line in "".join(capsys.readouterr()).splitlines():
        assert not line.startswith(("X-Injected", "Bcc:", '{"level"', "level="))


@pytest.mark.parametrize("language", ["beancount", "hledger"])
def test_words_are_no_entries_of_a_journal(me: Person, language: str) -> None:
    for words in ('x" "\n2020-01-01 open Assets:Evil', "; comment\n2020-01-01 * x", *LINES):
        bill(me, words)

    answer = me.get(f"{V1}/exports/journal", params={"format": language})

    assert answer.status_code == 200
    for line in answer.text.splitlines():
        assert not line.startswith(("2020-01-01", "X-Injected", "Bcc"))


REDIRECTS = ("https://evil.test", "//evil.test", "/\\evil.test", "https:evil.test", "javascript:x")


@pytest.mark.parametrize(
    "name", ["next", "url", "redirect", "redirect_uri", "return_to", "continue"]
)
@pytest.mark.parametrize("target", REDIRECTS)
def test_nothing_redirects_to_where_a_request_says(me: Person, name: str, target: str) -> None:
    paths = ("/", "/docs", f"{V1}/organization", f"{V1}/auth/login", "/p/unknown", "/embed")
    for path in paths:
        answer = me.get(path, params={name: target}, follow_redirects=False)
        assert "evil.test" not in answer.headers.get("location", ""), path
        assert "javascript" not in answer.headers.get("location", "")


@pytest.mark.parametrize("host", ["evil.test", "evil.test:80@127.0.0.1", "127.0.0.1\t.evil.test"])
def test_links_name_the_public_address_and_not_the_host_that_was_asked(
    me: Person, host: str
) -> None:
    headers = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "https"}

    answer = me.post(
        f"{V1}/invitations", json={"email": f"{host[:4]}@y.test", "role": "admin"}, headers=headers
    )

    assert "evil.test" not in answer.text.replace("evil@y.test", "")
