"""Everything that people do with accounts, told once (tests/api/changes.py, tests/api/examples)."""

from __future__ import annotations

from base64 import b32decode
from datetime import datetime
from typing import Any, Protocol

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlmodel import col, select

from api.context import AppContext
from models.accounts.invitations import PasswordReset
from services.members.resets import open_token
from tests.api.access.furnished import organization_of
from tests.api.people import PASSWORD, Person

OTHER_PASSWORD = "another-horse-7"


def code_of(secret: str, at: datetime) -> str:
    """What an authenticator with this secret shows at an instant."""
    generator = TOTP(b32decode(secret), 6, SHA1(), 30)
    return generator.generate(int(at.timestamp())).decode()


def token_in(link: str) -> str:
    """What the page of a link reads from behind the ``#``."""
    return link.partition("#")[2]


def newest_reset_token(context: AppContext, person: Person) -> str:
    """The token in the mail that was queued last for somebody's organization."""
    _, organization_id = organization_of(person)
    with context.transactions.for_organization(organization_id) as session:
        newest = session.exec(
            select(PasswordReset).order_by(col(PasswordReset.id).desc()).limit(1)
        ).one()
    token = open_token(newest, context.security.sealer)
    assert token is not None
    return token


class Tell(Protocol):
    """Does an operation, which must succeed, by its name or by its method and path."""

    def __call__(self, operation: str, body: Any = None, **ids: Any) -> Any:
        """What it answered."""


def tell_of_members(tell: Tell, person: Person, *, email: str) -> None:
    """An owner invites another, who takes over: from here on they are who acts."""
    tell("POST /invitations", {"email": "spare@lumenworks.example", "role": "billing"})
    listed = person.get("/api/v1/invitations").json()["data"]
    tell("GET /invitations")
    tell("GET /invitations/{invitation_id}", invitation_id=listed[0]["id"])
    tell("DELETE /invitations/{invitation_id}", invitation_id=listed[0]["id"])
    asked = {"email": email, "role": "owner"}
    its = {"invitation_id": tell("POST /invitations", asked)["id"]}
    sent = tell("POST /invitations/{invitation_id}/resend", **its)
    accept = {"token": token_in(sent["link"]), "password": PASSWORD}
    tell("POST /auth/accept-invitation", accept)
    members = tell("GET /members")["data"]
    former = {"member_id": members[0]["id"]}
    tell("GET /members/{member_id}", **former)
    tell("PATCH /members/{member_id}", {"role": "admin"}, **former)
    tell("DELETE /members/{member_id}/sessions", **former)
    tell("DELETE /members/{member_id}", **former)


def tell_of_own_account(tell: Tell, person: Person, context: AppContext, *, email: str) -> None:
    """Sessions are ended, the password is changed and set anew, a second step comes and goes."""
    log_in = {"email": email, "password": PASSWORD}
    person.post("/api/v1/auth/login", json=log_in)
    assert tell("GET /auth/me")["user"]["email"] == email
    sessions = tell("GET /auth/sessions")["data"]
    other = next(one["id"] for one in sessions if not one["is_current"])
    tell("DELETE /auth/sessions/{session_id}", session_id=other)
    person.post("/api/v1/auth/login", json=log_in)
    tell("DELETE /auth/sessions")
    known = {"password": PASSWORD}
    secret = tell("POST /auth/totp", known)["secret"]
    tell("POST /auth/totp/confirm", {"code": code_of(secret, context.now())})
    tell("GET /auth/totp")
    tell("POST /auth/totp/recovery-codes", known)
    tell("POST /auth/totp/disable", known)
    change = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    tell("POST /auth/change-password", change)
    tell("POST /auth/request-reset", {"email": email})
    token = newest_reset_token(context, person)
    tell("POST /auth/reset", {"token": token, "password": PASSWORD})
    assert person.post("/api/v1/auth/login", json=log_in).status_code == 200


def tell_of_people(tell: Tell, person: Person, context: AppContext) -> None:
    """All of it, by an owner and by the one who takes over."""
    email = f"second-{person.email}"
    tell_of_members(tell, person, email=email)
    tell_of_own_account(tell, person, context, email=email)
