"""What members do from screens: each form makes one call of the API, once."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from console.workspace.actions import Action, Entry
from console.workspace.routes import EVERY_ACTION
from tests.api.people import Person
from tests.api.sold import V1, post
from tests.console.billed import billed, buyer, words_of, write

OTHER = "quiet-otter-77"


def forms_of(page: str) -> dict[str, dict[str, str]]:
    """By address, the fields of each form as the page fills them in."""
    return {
        address: dict(re.findall(r'name="([^"]+)" value="([^"]*)"', inside))
        for address, inside in re.findall(
            r'<form class="doing" method="post" action="([^"]+)">(.*?)</form>', page, re.DOTALL
        )
    }


def form_of(member: Person, screen: str, ending: str) -> tuple[str, dict[str, str]]:
    """One form of a screen."""
    [found] = [one for one in forms_of(member.get(screen).text).items() if one[0].endswith(ending)]
    return found


def confirmed(fields: dict[str, str]) -> dict[str, str]:
    """The fields of a form with what it asks to be typed."""
    return fields | {"confirmation": html.unescape(fields["expected"])}


def invoice_of(owner: Person, invoice: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = owner.get(f"{V1}/invoices/{invoice['id']}").json()
    return found


def test_draft_is_finalized_from_its_screen(owner: Person) -> None:
    draft = write(owner, buyer(owner), "Setup")
    address, fields = form_of(owner, f"/console/invoices/{draft['id']}", "/finalize")

    done = owner.post(address, data=fields)

    assert done.status_code == 200
    assert invoice_of(owner, draft)["status"] == "OPEN"
    assert forms_of(done.text).keys() == {
        f"/console/invoices/{draft['id']}/payments",
        f"/console/invoices/{draft['id']}/void",
    }


def test_payment_is_recorded_once_however_often_its_form_is_sent(owner: Person) -> None:
    _, invoice = billed(owner)
    address, fields = form_of(owner, f"/console/invoices/{invoice['id']}", "/payments")
    sent = fields | {"amount": "2.50", "reference": "FT-1"}

    pages = [owner.post(address, data=sent) for _ in range(3)]

    assert {page.status_code for page in pages} == {200}
    assert invoice_of(owner, invoice)["amount_paid"] == 2.5
    assert "$2.50" in words_of(pages[-1].text)


@pytest.mark.parametrize("typed", ["", "INV", "void"])
def test_void_is_confirmed_by_the_number(owner: Person, typed: str) -> None:
    _, invoice = billed(owner)
    address, fields = form_of(owner, f"/console/invoices/{invoice['id']}", "/void")

    refused = owner.post(address, data=fields | {"confirmation": typed})

    assert refused.status_code == 422
    assert str(invoice["invoice_number"]) in words_of(refused.text)
    assert invoice_of(owner, invoice)["status"] == "OPEN"


def test_invoice_is_void_once_its_number_was_typed(owner: Person) -> None:
    _, invoice = billed(owner)
    address, fields = form_of(owner, f"/console/invoices/{invoice['id']}", "/void")

    owner.post(address, data=fields | {"confirmation": str(invoice["invoice_number"])})

    assert invoice_of(owner, invoice)["status"] == "VOID"


GRAVE = [one for one in EVERY_ACTION if one.is_grave]


@pytest.mark.parametrize("action", GRAVE, ids=[one.path for one in GRAVE])
def test_what_cannot_be_undone_is_typed_before(action: Action) -> None:
    assert action.confirms or any(one.entry is Entry.CONCEALED for one in action.fields)


def test_refusal_of_the_api_is_told_in_its_words(owner: Person) -> None:
    _, invoice = billed(owner)
    address, fields = form_of(owner, f"/console/invoices/{invoice['id']}", "/payments")

    refused = owner.post(address, data=fields | {"amount": "9000"})

    assert refused.status_code == 409
    assert "overpayment" in words_of(refused.text)


def test_clock_is_made_from_the_console(owner: Person) -> None:
    address, fields = form_of(owner, "/console/test-clocks", "/test-clocks")

    made = owner.post(
        address, data=fields | {"name": "January", "frozen_time": "2026-01-01T00:00:00Z"}
    )
    advance, _ = form_of(owner, "/console/test-clocks", "/advance")

    assert "January" in words_of(made.text)
    assert "1 Jan 2026, 00:00" in words_of(made.text)
    assert advance.startswith("/console/test-clocks/")


def test_every_form_shows_the_call_that_it_makes(owner: Person) -> None:
    _, invoice = billed(owner)

    words = words_of(owner.get(f"/console/invoices/{invoice['id']}").text)

    assert "curl -X PATCH" in words
    assert f"{V1}/invoices/{invoice['id']}/status" in words
    assert '"status": "VOID"' in words


def test_who_may_only_read_is_refused_by_the_api(owner: Person, visitor: Person) -> None:
    _, invoice = billed(owner)
    invited = post(owner, "/invitations", {"email": "reader@b.test", "role": "read_only"})
    token = invited["link"].partition("#")[2].removeprefix("token=")
    visitor.post(f"{V1}/auth/accept-invitation", json={"token": token, "password": OTHER})
    visitor.post("/console/sign-in", data={"email": "reader@b.test", "password": OTHER})
    screen = f"/console/invoices/{invoice['id']}"
    address, fields = form_of(owner, screen, "/payments")
    assert forms_of(visitor.get(screen).text) == {}

    refused = visitor.post(address, data=fields | {"amount": "1"})

    assert refused.status_code == 403
    assert invoice_of(owner, invoice)["amount_paid"] == 0
