"""What becomes of deliveries that nobody waits for any more."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from repositories.notifications.deliveries import forget_finished
from runtime.relays.retention import Retention
from services.personal_data.retention import Kind
from tests.receivers import receiving
from tests.telling import Telling


@pytest.mark.parametrize("change", ["disabled", "deleted"])
def test_what_waits_for_an_endpoint_that_listens_no_more_has_failed(
    telling: Telling, change: str
) -> None:
    with receiving(status=500) as receiver:
        endpoint = telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver()
        path = f"/api/v1/webhook-endpoints/{endpoint['id']}"
        if change == "disabled":
            assert telling.owner.patch(path, json={"enabled": False}).status_code == 200
        else:
            assert telling.owner.delete(path).status_code == 204
        telling.draft_invoice()
        telling.clock.advance(minutes=5)
        telling.deliver()

    (failed,) = telling.deliveries()
    assert (failed["status"], failed["error"]) == ("failed", f"The endpoint was {change}.")
    assert len(receiver.bodies) == 1
    refused = telling.owner.post(f"/api/v1/webhook-deliveries/{failed['id']}/replay")
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_disabled")


def test_what_ended_long_ago_is_forgotten_with_its_event(telling: Telling) -> None:
    kind = Kind(name="webhook_deliveries", days=7, forget=forget_finished)
    retention = Retention(telling.transactions, [kind], now=telling.clock)
    with receiving() as receiver:
        telling.listen(receiver.url, "invoice.created")
        telling.listen("http://127.0.0.1:9/", "invoice.created")
        telling.draft_invoice()
        telling.deliver()
    telling.clock.advance(days=7)
    assert retention.forget(kind) == 0
    telling.clock.advance(seconds=1)
    waiting = [one["id"] for one in telling.deliveries(status="pending")]

    first, again = retention.forget(kind), retention.forget(kind)

    # The one that waits is kept, whatever its age, and so is the event that it tells.
    assert (first, again) == (1, 0)
    assert [one["id"] for one in telling.deliveries()] == waiting
    telling.deliver()
    telling.clock.advance(days=8)
    telling.deliver()
    while telling.deliveries(status="pending"):
        telling.clock.advance(hours=6)
        telling.deliver()
    telling.clock.advance(days=8)
    assert retention.forget(kind) == 1
    assert telling.deliveries() == []
    with telling.transactions.for_organization(telling.get("/organization")["id"]) as session:
        assert session.connection().scalar(text("SELECT count(*) FROM webhook_event")) == 0
