"""Who sends requests: people and keys of every kind, and those whose credentials are worthless."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

import httpx2

from tests.api.people import PASSWORD

V1: Final = "/api/v1"
SCOPES: Final = ("billing.read", "billing.write", "usage.read", "usage.write")
ROLES: Final = ("read_only", "developer", "billing", "admin")

KINDS: Final = {
    "cookies": 25,
    "bearer": 25,
    "key of all scopes": 25,
    **{f"key {scope}": 3 for scope in SCOPES},
    **{f"role {role}": 2 for role in ROLES},
    "nobody": 2,
    "key of nobody": 1,
    "token of nobody": 1,
    "another scheme": 1,
    "another site": 1,
}
"""Every kind, with its share of all requests."""

Headers = dict[str, str]

WORTHLESS: Final[dict[str, Headers]] = {
    "nobody": {},
    "key of nobody": {"X-API-Key": "sk_live_" + "0" * 43},
    "token of nobody": {"Authorization": "Bearer e30.e30.e30"},
    "another scheme": {"Authorization": "Basic b3BzOm9wcw=="},
}


class LockedOut(Exception):
    """A request changed how the owner logs in, which nobody knows any more."""


@dataclass
class Callers:
    """The credentials of one organization; those that a request ended are made again."""

    url: str
    email: str = field(default_factory=lambda: f"ops-{uuid4()}@lumenworks.test")
    owner: httpx2.Client = field(init=False)
    organization_id: UUID = field(init=False)
    _headers: dict[str, Headers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.owner = httpx2.Client(
            base_url=self.url, timeout=120, trust_env=False, verify=False, follow_redirects=False
        )
        body = {"email": self.email, "password": PASSWORD, "organization_name": "Lumen Works"}
        answer = self.owner.post(f"{V1}/auth/signup", json=body)
        assert answer.status_code == 201, answer.text
        self.organization_id = UUID(answer.json()["organization"]["id"])

    @staticmethod
    def choose(chance: random.Random) -> str:
        """A kind of credentials."""
        return chance.choices(list(KINDS), list(KINDS.values()))[0]

    def headers_of(self, kind: str) -> Headers:
        """What a caller of this kind sends."""
        if kind in WORTHLESS:
            return WORTHLESS[kind]
        if kind not in self._headers:
            self._headers[kind] = self._make(kind)
        return self._headers[kind]

    def renew(self) -> None:
        """Everybody begins anew: something has ended."""
        self._headers.clear()

    @staticmethod
    def log_in(client: httpx2.Client, email: str) -> str:
        """The access token of a new session. Raises LockedOut."""
        answer = client.post(f"{V1}/auth/login", json={"email": email, "password": PASSWORD})
        if answer.status_code != 200:
            raise LockedOut(answer.text)
        return str(client.cookies["access_token"])

    def close(self) -> None:
        """Nothing is held open."""
        self.owner.close()

    def _make(self, kind: str) -> Headers:
        what, _, which = kind.partition(" ")
        self.owner.cookies.clear()  # what another caller sent may have ended the session
        token = self.log_in(self.owner, self.email)
        if what == "key":
            scopes = SCOPES if which == "of all scopes" else (which,)
            body = {"name": "Fuzz", "scopes": scopes}
            answer = self.owner.post(f"{V1}/api-keys", json=body)
            assert answer.status_code == 201, answer.text
            return {"X-API-Key": answer.json()["key"]}
        if what == "role":
            return {"Authorization": f"Bearer {self._token_of(which)}"}
        cookie = {"Cookie": f"access_token={token}"}
        if kind == "another site":
            return cookie | {"Origin": "https://another.test", "Sec-Fetch-Site": "cross-site"}
        return cookie if kind == "cookies" else {"Authorization": f"Bearer {token}"}

    def _token_of(self, role: str) -> str:
        """The token of somebody else in the organization, who has this role."""
        email = f"{role}-{uuid4()}@lumenworks.test"
        answer = self.owner.post(f"{V1}/invitations", json={"email": email, "role": role})
        assert answer.status_code == 201, answer.text
        body = {"token": answer.json()["link"].partition("#")[2], "password": PASSWORD}
        with httpx2.Client(base_url=self.url, timeout=120, trust_env=False, verify=False) as joined:
            answer = joined.post(f"{V1}/auth/accept-invitation", json=body)
            assert answer.status_code == 201, answer.text
            return str(joined.cookies["access_token"])
