"""Mail servers of an organization: what is stored, what is shown, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from api.context import AppContext
from repositories.transactions import Transactions
from services.accounts.settings import place_of_smtp_password
from tests.api.people import Person

ORGANIZATION = "/api/v1/organization"
SERVER = {
    "smtp_host": "smtp.lumenworks.example",
    "smtp_username": "billing",
    "smtp_password": "a-password-that-nobody-sees",
    "smtp_from_email": "billing@lumenworks.example",
}


def test_a_password_is_sealed_and_never_shown(
    owner: Person, transactions: Transactions, context: AppContext
) -> None:
    answer = owner.patch(ORGANIZATION, json=SERVER)
    organization_id = answer.json()["id"]
    with transactions.for_organization(organization_id) as session:
        sealed = session.scalar(text("SELECT sealed_smtp_password FROM organization"))

    assert answer.status_code == 200
    assert answer.json()["has_smtp_password"] is True
    secret = SERVER["smtp_password"]
    for shown in (answer.text, owner.get(ORGANIZATION).text, owner.get("/api/v1/audit").text):
        assert secret not in shown
        assert str(sealed) not in shown
    assert secret not in str(sealed)
    place = place_of_smtp_password(organization_id)
    assert context.security.sealer.open(str(sealed), place=place) == secret


def test_the_same_password_again_changes_nothing(owner: Person) -> None:
    owner.patch(ORGANIZATION, json=SERVER)
    before = len(owner.get("/api/v1/audit").json()["data"])
    owner.patch(ORGANIZATION, json=SERVER)

    assert len(owner.get("/api/v1/audit").json()["data"]) == before
    removed = owner.patch(ORGANIZATION, json={"smtp_password": None}).json()
    assert removed["has_smtp_password"] is False


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ({"smtp_host": "127.0.0.1"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "10.1.2.3"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "169.254.169.254"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "::1"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "[::ffff:127.0.0.1]"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "64:ff9b::7f00:1"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "localhost"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "mail"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "mail.internal"}, "private_receiver", "smtp_host"),
        ({"smtp_host": "0x7f.1"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_host": "2130706433"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_host": "0177.0.0.1"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_host": "smtp.example.com:25"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_host": "https://smtp.example.com"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_host": "smtp.example.com/x"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_host": "a@smtp.example.com"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_host": "smtp\r\n.example.com"}, "invalid_smtp_host", "smtp_host"),
        ({"smtp_port": 22}, "invalid_smtp_port", "smtp_port"),
        ({"smtp_port": 80}, "invalid_smtp_port", "smtp_port"),
        ({"smtp_port": 0}, None, "smtp_port"),
        ({"smtp_port": 65536}, None, "smtp_port"),
        ({"smtp_use_tls": False}, "smtp_password_needs_tls", "smtp_use_tls"),
        ({"smtp_from_email": "no address"}, None, "smtp_from_email"),
        ({"smtp_from_email": "a,b@example.com"}, "invalid_email", "smtp_from_email"),
        ({"smtp_from_email": "a@b@example.com"}, None, "smtp_from_email"),
        ({"smtp_from_email": "a@ex ample.com"}, None, "smtp_from_email"),
        ({"smtp_from_email": "a@-example.com"}, "invalid_email", "smtp_from_email"),
        ({"smtp_reply_to": "<a>@example.com"}, "invalid_email", "smtp_reply_to"),
        ({"smtp_from_name": "Lumen\r\nBcc: all@example.com"}, None, "smtp_from_name"),
        ({"smtp_from_name": "Lumen\u2028Works"}, None, "smtp_from_name"),
        ({"smtp_username": "a\nb"}, None, "smtp_username"),
        ({"smtp_password": ""}, None, "smtp_password"),
        ({"smtp_host": "mx.attacker.example"}, "smtp_password_missing", "smtp_password"),
        ({"smtp_port": 2525}, "smtp_password_missing", "smtp_password"),
        ({"smtp_username": "another"}, "smtp_password_missing", "smtp_password"),
    ],
    ids=repr,
)
def test_what_no_mail_could_be_sent_by_is_refused_and_named(
    owner: Person, sent: dict[str, Any], code: str | None, field: str
) -> None:
    owner.patch(ORGANIZATION, json=SERVER)
    before = owner.get(ORGANIZATION).json()

    answer = owner.patch(ORGANIZATION, json=sent)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    if code is not None:
        assert answer.json()["code"] == code
    assert owner.get(ORGANIZATION).json() == before


@pytest.mark.parametrize(
    "sent",
    [
        {"smtp_host": "bücher.example", "smtp_password": "another"},
        {"smtp_host": "8.8.8.8", "smtp_port": 2525, "smtp_password": None},
        {"smtp_host": "2606:4700::1111", "smtp_port": 465, "smtp_password": "another"},
        {"smtp_from_name": "株式会社\u3000ルーメン"},
        {"smtp_from_email": "rechnung@bücher.example"},
        {"smtp_host": None, "smtp_password": None, "smtp_use_tls": False},
        {"smtp_host": None},
        {"smtp_host": SERVER["smtp_host"], "smtp_port": 587, "smtp_from_name": "Lumen Works"},
    ],
    ids=repr,
)
def test_what_mails_can_be_sent_by_is_stored(owner: Person, sent: dict[str, Any]) -> None:
    owner.patch(ORGANIZATION, json=SERVER)

    answer = owner.patch(ORGANIZATION, json=sent)

    assert answer.status_code == 200, answer.text
    stored = {name: value for name, value in sent.items() if name != "smtp_password"}
    assert {name: answer.json()[name] for name in stored} == stored


def test_a_password_follows_to_no_server_that_was_away_meanwhile(owner: Person) -> None:
    owner.patch(ORGANIZATION, json=SERVER)
    owner.patch(ORGANIZATION, json={"smtp_host": None})

    answer = owner.patch(ORGANIZATION, json={"smtp_host": "mx.attacker.example"})

    assert (answer.status_code, answer.json()["code"]) == (422, "smtp_password_missing")
