"""Who uses the API in these tests, and the clock that they live by."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from tests.api.answers import AnswerChecks
from tests.api.refusals import look
from tests.whole_answers import WholeAnswers

PASSWORD = "correct-horse-9"
PATIENT_SECONDS = 60.0
"""For which a request may hold a connection where nothing is said of slow ones."""

_numbers = count(1)


@dataclass
class Clock:
    """Tells the time, and moves when a test says so."""

    instant: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 8, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.instant

    def advance(self, **parts: float) -> None:
        """It is later by this much."""
        self.instant += timedelta(**parts)


class Person(TestClient):
    """A client without credentials; every answer is looked at, also that of a failure."""

    shared_portal: ClassVar[BlockingPortal | None] = None
    compares_answers: ClassVar[bool] = "FLUXRATE_COMPARE_ANSWERS" in os.environ
    """Whether every answer is compared with the document."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(app, raise_server_exceptions=False)
        self.portal = self.shared_portal
        self._answers = WholeAnswers(self.app, self._portal_factory, self.app_state)
        self._transport = self._answers
        if self.compares_answers:
            self.event_hooks = {"response": [AnswerChecks.of_all().check]}
        self.email = f"ops{next(_numbers)}@lumenworks.test"

    def come_from(self, address: str) -> None:
        """Requests come from this address, as a server says it."""
        self._answers.client = (address, 50000)

    def request(self, method: str, url: Any, **options: Any) -> Response:
        """The answer; a refusal is one that the document tells of."""
        answer = super().request(method, url, **options)
        if isinstance(self.app, FastAPI):
            look(method, str(url), answer)
        return answer

    def sign_up(self, organization_name: str = "Lumen Works") -> Person:
        """An organization exists; this client is its owner and logged in."""
        answer = self.post(
            "/api/v1/auth/signup",
            json={
                "email": self.email,
                "password": PASSWORD,
                "organization_name": organization_name,
            },
        )
        assert answer.status_code == 201, answer.text
        return self

    def invite(self, role: str) -> Person:
        """Somebody joins this client's organization in a role; their client, logged in."""
        assert isinstance(self.app, FastAPI)
        joined = Person(self.app)
        answer = self.post("/api/v1/invitations", json={"email": joined.email, "role": role})
        assert answer.status_code == 201, answer.text
        token = answer.json()["link"].partition("#")[2]
        answer = joined.post(
            "/api/v1/auth/accept-invitation", json={"token": token, "password": PASSWORD}
        )
        assert answer.status_code == 201, answer.text
        return joined

    def make_key(self, *scopes: str) -> str:
        """A new API key with these scopes."""
        answer = self.post("/api/v1/api-keys", json={"name": "Worker", "scopes": scopes})
        assert answer.status_code == 201, answer.text
        key: str = answer.json()["key"]
        return key
