"""An invoice is paid without anybody's hand: on real processes, by the built-in gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from runtime.embedded.processes import wait_until
from tests.cli.local.test_up import SIGN_UP
from tests.cli.running import RunningInstance

INVOICE = {
    "currency": "USD",
    "due_date": "2030-04-01T00:00:00Z",
    "line_items": [{"description": "Import", "quantity": 1, "unit_amount": 120}],
}
HARBOR = {"name": "Harbor", "email": "ap@harbor.test", "billing_address_country": "GB"}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[RunningInstance]:
    """An instance that is up."""
    running = RunningInstance(tmp_path / "own")
    try:
        yield running.up()
    finally:
        running.clean_up()


def test_invoice_is_paid_on_the_page_that_its_answer_names(instance: RunningInstance) -> None:
    api = instance.addresses.api_url
    with httpx2.Client(trust_env=False, timeout=30) as client:

        def post(path: str, body: object) -> Any:
            answer = client.post(f"{api}{path}", json=body)
            assert answer.status_code in {200, 201}, answer.text
            return answer.json()

        post("/auth/signup", SIGN_UP)
        post("/connections", {"provider": "sandbox", "name": "Sandbox"})
        customer = post("/customers", HARBOR)
        draft = post("/invoices", {**INVOICE, "customer_id": customer["id"]})
        invoice = post(f"/invoices/{draft['id']}/finalize", {})
        url = invoice["payment_link"]

        assert client.get(url).status_code == 200
        assert client.post(f"{url}/pay", json={"outcome": "success"}).status_code == 200

        def status() -> str:
            return str(client.get(f"{api}/invoices/{draft['id']}").json()["status"])

        assert wait_until(lambda: status() == "PAID", timeout_seconds=30), status()
        methods = client.get(f"{api}/customers/{customer['id']}/payment-methods").json()["data"]
        assert [one["is_usable"] for one in methods] == [True]
