"""Mails of accounts bring links that work, and nothing else holds one that can be read."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI

from tests.api.people import PASSWORD, Person
from tests.mail_servers import MailServer, serving
from tests.telling import Telling

V1 = "/api/v1"
LINK = re.compile(r"https?://\S+#(\w{33})\b")


def text_of(server: MailServer) -> str:
    body = server.mails[-1].get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


def visitor_of(telling: Telling) -> Person:
    assert isinstance(telling.owner.app, FastAPI)
    return Person(telling.owner.app)


@pytest.mark.parametrize(
    ("language", "subject", "until"),
    [
        ("en", "Join Lumen Works", "March 9, 2026"),
        ("de", "Lumen Works beitreten", "9. März 2026"),
        ("fr", "Rejoindre Lumen Works", "9 mars 2026"),
        ("es", "Únase a Lumen Works", "9 de marzo de 2026"),
        ("ja", "Lumen Works への招待", "2026年3月9日"),
    ],
)
def test_invitation_arrives_in_the_organizations_language_with_a_link_that_works(
    telling: Telling, language: str, subject: str, until: str
) -> None:
    joined = visitor_of(telling)
    with serving() as server:
        telling.set_up_mail(server, document_language=language)
        asked = {"email": joined.email, "role": "developer"}
        made = telling.owner.post(f"{V1}/invitations", json=asked).json()
        telling.mail()

    assert server.mails[-1]["Subject"] == subject
    assert server.mails[-1]["To"] == joined.email
    text = text_of(server)
    assert until in text
    [token] = LINK.findall(text)
    assert made["link"].endswith(f"#{token}")
    body = {"token": token, "password": PASSWORD}
    assert joined.post(f"{V1}/auth/accept-invitation", json=body).status_code == 201


def test_new_password_is_set_by_the_link_of_the_mail(telling: Telling) -> None:
    visitor = visitor_of(telling)
    with serving() as server:
        telling.set_up_mail(server)
        visitor.post(f"{V1}/auth/request-reset", json={"email": telling.owner.email})
        telling.mail()

    assert server.mails[-1]["Subject"] == "A new password"
    [token] = LINK.findall(text_of(server))
    body = {"token": token, "password": "another-horse-7"}
    assert visitor.post(f"{V1}/auth/reset", json=body).status_code == 200
    log_in = {"email": telling.owner.email, "password": "another-horse-7"}
    assert visitor.post(f"{V1}/auth/login", json=log_in).status_code == 200


def test_mail_whose_link_is_over_is_not_sent(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        asked = {"email": "late@lumenworks.test", "role": "developer"}
        made = telling.owner.post(f"{V1}/invitations", json=asked).json()
        telling.owner.delete(f"{V1}/invitations/{made['id']}")
        telling.mail()

    assert server.mails == []
    assert [mail["status"] for mail in telling.emails()] == ["failed"]
