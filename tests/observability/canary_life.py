"""The life of an organization that says canaries wherever it may say anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from runtime.embedded.processes import wait_until
from tests.api.access.furnished import V1
from tests.api.members_story import token_in
from tests.observability.canaries import MARK, secrets_in_cookies

PERSON: Final = f"{MARK}@{MARK}.example"
PASSWORD: Final = f"{MARK}-Horse-Battery-9"


@dataclass(slots=True)
class CanaryLife:
    """Nothing of it is refused, but what has to be."""

    client: httpx2.Client
    secrets: dict[str, str] = field(default_factory=dict)
    """What the product drew itself and showed once."""

    def live(self, hook: str, smtp: dict[str, Any]) -> dict[str, str]:
        """People, keys, a customer, an event, and two periods that are closed; the secrets."""
        self._come_in()
        self._get_secrets(hook, smtp)
        self._be_billed()
        return self.secrets | secrets_in_cookies(self.client)

    def do(self, method: str, path: str, **body: Any) -> Any:
        """What is answered to a request that is good."""
        answer = self.client.request(method, V1 + path, json=body)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json() if answer.content else None

    def _come_in(self) -> None:
        person = {"email": PERSON, "password": PASSWORD, "organization_name": MARK}
        self.do("POST", "/auth/signup", **person)
        # The database says whose address is taken, to the product and to its own log.
        signup = str(self.client.base_url.join(f"{V1}/auth/signup"))
        assert httpx2.post(signup, json=person, trust_env=False).status_code == 409
        wrong = {"email": PERSON, "password": f"{MARK}-wrong"}
        login = str(self.client.base_url.join(f"{V1}/auth/login"))
        assert httpx2.post(login, json=wrong, trust_env=False).status_code == 401

    def _get_secrets(self, hook: str, smtp: dict[str, Any]) -> None:
        login = {"smtp_username": MARK, "smtp_password": f"{MARK}-smtp"}
        self.do("PATCH", "/organization", **smtp, **login)
        key = self.do("POST", "/api-keys", name=MARK, scopes=["usage.write"])
        factor = self.do("POST", "/auth/totp", password=PASSWORD)
        endpoint = self.do("POST", "/webhook-endpoints", url=f"{hook}?{MARK}={MARK}", events=["*"])
        invited = self.do("POST", "/invitations", email=f"new.{PERSON}", role="billing")
        self.do("POST", "/connections", provider="sandbox", name=MARK)
        self.secrets |= {
            "API key": key["key"],
            "authenticator's secret": factor["secret"],
            "webhook secret": endpoint["secret"],
            "invitation": token_in(invited["link"]),
        }

    def _be_billed(self) -> None:
        meter_id, plan_id = self._offer()
        begins = "2025-01-01T00:00:00Z"
        clock_id = self.do("POST", "/test-clocks", name=MARK, frozen_time=begins)["id"]
        customer_id = self.do(
            "POST",
            "/customers",
            name=MARK,
            email=f"customer.{PERSON}",
            external_id=f"ext-{MARK}",
            billing_address_line1=MARK,
            billing_address_city=MARK,
            billing_address_country="DE",
            test_clock_id=clock_id,
        )["id"]
        its = {"customer_id": customer_id, "plan_id": plan_id}
        self.do("POST", "/subscriptions", **its, start_date=begins)
        self._advance(clock_id, "2025-01-20T00:00:00Z")
        self.do(
            "POST",
            "/usage",
            meter_id=meter_id,
            customer_id=customer_id,
            timestamp="2025-01-10T00:00:00Z",
            idempotency_key=f"{MARK}-event",
            properties={"calls": 5, MARK: MARK},
        )
        self._advance(clock_id, "2025-03-02T02:00:00Z")
        listed = self.client.get(f"{V1}/customers/{customer_id}/invoices").json()["data"]
        assert len(listed) == 2, listed
        assert MARK in self.client.get(f"{V1}/invoices/{listed[0]['id']}/text").text

    def _offer(self) -> tuple[str, str]:
        metered = {"meter_name": "calls", "property_name": "calls", "aggregation_type": "SUM"}
        feature = self.do(
            "POST", "/features", name=MARK, lookup_key="calls", type="meter", **metered
        )
        terms = {"type": "USAGE", "billing_interval": "month", "currency": "USD"}
        # The code of a plan is a search attribute: it is the operator's word and nobody's data.
        plan_id = self.do("POST", "/plans", name=MARK, lookup_id="studio", **terms)["id"]
        meter_id = feature["meter"]["id"]
        charge = {"type": "USAGE", "meter_id": meter_id, "unit_price": "0.01"}
        self.do("POST", f"/plans/{plan_id}/charges", **charge)
        return meter_id, plan_id

    def _advance(self, clock_id: str, to: str) -> None:
        path = f"/test-clocks/{clock_id}"
        self.do("POST", f"{path}/advance", frozen_time=to)
        assert wait_until(
            lambda: self.client.get(V1 + path).json()["status"] == "ready", timeout_seconds=240
        )
