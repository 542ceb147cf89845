"""Tokens that somebody made up, changed, stole or kept: none of them opens anything.

Each is a token of our own shape with one thing wrong about it; the last test says that the one
with nothing wrong opens the door, so that the others fail for what they say.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from tests.api.access.furnished import add_catalogue, add_customer
from tests.api.conftest import SECRET
from tests.api.people import Clock, Person

ORGANIZATION = "/api/v1/organization"
REFRESH = "/api/v1/auth/refresh"


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@dataclass
class Forge:
    """Makes tokens that are like a good one but for what is asked."""

    good: str
    clock: Clock

    @property
    def header(self) -> dict[str, Any]:
        header: dict[str, Any] = decode(self.good.split(".")[0])
        return header

    @property
    def claims(self) -> dict[str, Any]:
        claims: dict[str, Any] = decode(self.good.split(".")[1])
        return claims

    def sign(
        self,
        header: dict[str, Any] | None = None,
        claims: dict[str, Any] | None = None,
        *,
        key: str = SECRET,
        digest: Callable[..., Any] = hashlib.sha256,
    ) -> str:
        """A token signed by a key; None in a header or claim takes it away."""
        parts = [
            encode(json.dumps({n: v for n, v in whole.items() if v is not None}).encode())
            for whole in (self.header | (header or {}), self.claims | (claims or {}))
        ]
        signed = ".".join(parts)
        return f"{signed}.{encode(hmac.new(key.encode(), signed.encode(), digest).digest())}"

    def seconds(self, offset: int) -> int:
        """An instant from now, as claims have it."""
        return int((self.clock.instant + timedelta(seconds=offset)).timestamp())


def _no_signature(forge: Forge) -> str:
    head, body, _ = forge.sign({"alg": "none"}).split(".")
    return f"{head}.{body}."


def _none_signed(forge: Forge) -> str:
    return forge.sign({"alg": "none"})


def _stripped(forge: Forge) -> str:
    return forge.good.rpartition(".")[0] + "."


def _two_parts(forge: Forge) -> str:
    return forge.good.rpartition(".")[0]


def _changed_claim(forge: Forge) -> str:
    head, _, signature = forge.good.split(".")
    body = encode(json.dumps(forge.claims | {"sub": str(uuid4())}).encode())
    return f"{head}.{body}.{signature}"


def _changed_signature(forge: Forge) -> str:
    head, _, signature = forge.good.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def _signed_by_a_pair(forge: Forge) -> str:
    header = forge.header | {"alg": "EdDSA"}
    signed = ".".join(encode(json.dumps(one).encode()) for one in (header, forge.claims))
    return f"{signed}.{encode(Ed25519PrivateKey.generate().sign(signed.encode()))}"


def _own_key_in_header(forge: Forge) -> str:
    jwk = {"kty": "oct", "k": encode(b"x" * 32)}
    return forge.sign({"jwk": jwk}, key="x" * 32)


ATTACKS: dict[str, Callable[[Forge], str]] = {
    "alg none without signature": _no_signature,
    "alg none with a signature": _none_signed,
    "alg None in other letters": lambda f: f.sign({"alg": "NoNe"}),
    "signature taken off": _stripped,
    "two parts": _two_parts,
    "another person claimed": _changed_claim,
    "one letter of the signature": _changed_signature,
    "signed by another secret": lambda f: f.sign(key="another secret, as long as ours is"),
    "signed by nothing": lambda f: f.sign(key=""),
    "HS512 with our secret": lambda f: f.sign({"alg": "HS512"}, digest=hashlib.sha512),
    "HS384 claimed": lambda f: f.sign({"alg": "HS384"}),
    "signed by a key pair": _signed_by_a_pair,
    "no algorithm": lambda f: f.sign({"alg": None}),
    "key in the header": _own_key_in_header,
    "key at an address": lambda f: f.sign({"jku": "https://evil.test/keys"}, key="x" * 32),
    "certificate at an address": lambda f: f.sign({"x5u": "https://evil.test/c"}, key="x" * 32),
    "key id of a file": lambda f: f.sign({"kid": "../../dev/null"}, key=""),
    "key id that is SQL": lambda f: f.sign({"kid": "' UNION SELECT 'x"}, key="x"),
    "unknown key id": lambda f: f.sign({"kid": "0" * 16}),
    "no key id": lambda f: f.sign({"kid": None}),
    "critical extension": lambda f: f.sign({"crit": ["exp"], "exp": 1}),
    "kind of a widget": lambda f: f.sign({"typ": "widget+jwt"}),
    "no kind": lambda f: f.sign({"typ": None}),
    "audience of the portal": lambda f: f.sign(claims={"aud": "fluxrate-portal"}),
    "no audience": lambda f: f.sign(claims={"aud": None}),
    "another issuer": lambda f: f.sign(claims={"iss": "evil"}),
    "no issuer": lambda f: f.sign(claims={"iss": None}),
    "over a second ago": lambda f: f.sign(claims={"exp": f.seconds(0)}),
    "never over": lambda f: f.sign(claims={"exp": None}),
    "over at infinity": lambda f: f.sign(claims={"exp": float("inf")}),
    "good from a minute on": lambda f: f.sign(claims={"nbf": f.seconds(60)}),
    "good from no time on": lambda f: f.sign(claims={"nbf": None}),
    "no session": lambda f: f.sign(claims={"sid": None}),
    "session of nobody": lambda f: f.sign(claims={"sid": str(uuid4())}),
    "another person of the session": lambda f: f.sign(claims={"sub": str(uuid4())}),
    "another organization of the session": lambda f: f.sign(claims={"org": str(uuid4())}),
    "organization as a list": lambda f: f.sign(claims={"org": [str(uuid4())]}),
    "claims that are no object": lambda f: f"{f.good.split('.')[0]}.{encode(b'[]')}.x",
    "empty": lambda _: "...",
    "four parts": lambda f: f"{f.good}.x",
    "spaces within": lambda f: f.good.replace(".", " . "),
    "longer than any of ours": lambda f: f.sign(claims={"x": "y" * 5000}),
    "not ASCII": lambda f: f.good[:-1] + "\u00e9",
}


@pytest.fixture
def forge(owner: Person, clock: Clock) -> Forge:
    return Forge(owner.cookies["access_token"], clock)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_token_with_one_thing_wrong_opens_nothing(
    visitor: Person, forge: Forge, attack: Callable[[Forge], str]
) -> None:
    token = attack(forge).encode()
    bearer = {b"Authorization": b"Bearer " + token}
    cookie = {b"Cookie": b"access_token=" + token}

    answers = [
        visitor.get(ORGANIZATION, headers=bearer),
        visitor.get(ORGANIZATION, headers=cookie),
        visitor.post("/api/v1/usage", json={}, headers=bearer),
    ]

    assert [answer.status_code for answer in answers] == [401] * 3


def test_token_with_nothing_wrong_opens_the_door(visitor: Person, forge: Forge) -> None:
    headers = {"Authorization": f"Bearer {forge.sign()}"}

    assert visitor.get(ORGANIZATION, headers=headers).status_code == 200


def test_there_are_as_many_attacks_as_were_promised() -> None:
    assert len(ATTACKS) >= 25


def test_other_secrets_of_ours_are_no_access_token(owner: Person, app: FastAPI) -> None:
    add_customer(owner, add_catalogue(owner))
    body = {"customer_external_id": "acct_77"}
    widget = owner.post("/api/v1/widget/token", json=body).json()["token"]
    invited = {"email": "x@y.test", "role": "admin"}
    link = owner.post("/api/v1/invitations", json=invited).json()["link"].partition("#")[2]
    others = [widget, link, owner.cookies["refresh_token"]]

    for token in others:
        headers = {"Authorization": f"Bearer {token}"}
        assert Person(app).get(ORGANIZATION, headers=headers).status_code == 401
    for token in (widget, link, owner.cookies["access_token"]):
        thief = Person(app)
        thief.cookies.set("refresh_token", token)
        assert thief.post(REFRESH).status_code == 401


def test_session_of_a_person_is_theirs_whatever_cookie_came_before(
    app: FastAPI, owner: Person, sign_up: Callable[[str], Person]
) -> None:
    """A session that somebody plants is not the one that the login continues."""
    attacker = sign_up("Elsewhere")
    victim = Person(app)
    victim.cookies.set("access_token", attacker.cookies["access_token"])
    victim.cookies.set("refresh_token", attacker.cookies["refresh_token"])
    body = {"email": owner.email, "password": "correct-horse-9"}

    answer = victim.post("/api/v1/auth/login", json=body)

    fresh = {name: answer.cookies[name] for name in ("access_token", "refresh_token")}
    assert not set(fresh.values()) & set(attacker.cookies.values())
    shown = Person(app).get(
        ORGANIZATION, headers={"Authorization": f"Bearer {fresh['access_token']}"}
    )
    assert shown.json()["id"] == owner.get(ORGANIZATION).json()["id"]


@pytest.mark.parametrize("path", ["change-password", "totp", "totp/disable", "sessions"])
@pytest.mark.parametrize("site", ["https://evil.test", "null"])
def test_other_sites_change_no_account_with_somebodys_cookie(
    owner: Person, path: str, site: str
) -> None:
    method = "DELETE" if path == "sessions" else "POST"
    body = None if path == "sessions" else {"password": "correct-horse-9"}

    answer = owner.request(method, f"/api/v1/auth/{path}", json=body, headers={"Origin": site})

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")
