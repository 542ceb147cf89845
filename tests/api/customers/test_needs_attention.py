"""Subscriptions with a parked bill are asked of the list of subscriptions."""

from __future__ import annotations

from api.context import AppContext
from tests.api.parked_bills import park
from tests.api.people import Clock, Person
from tests.api.sold import V1, Sold, post, sell


def subscribe_another(sold: Sold) -> dict[str, str]:
    customer = post(sold.owner, "/customers", {"name": "Acme", "email": "a@acme.test"})
    return sold.subscribe("2026-02-20T00:00:00Z", customer_id=customer["id"])


def test_those_with_a_parked_bill_are_listed_or_left_out(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    sold = sell(owner)
    parked = sold.subscribe("2026-02-01T00:00:00Z")
    fine = subscribe_another(sold)
    park(owner, context, clock, parked["id"])

    def listed(**asked: str) -> list[str]:
        found = owner.get(f"{V1}/subscriptions", params=asked)
        assert found.status_code == 200, found.text
        ids = [one["id"] for one in found.json()["data"]]
        assert found.json()["meta"]["total"] == len(ids)
        return ids

    assert listed() == [parked["id"], fine["id"]]
    assert listed(needs_attention="true") == [parked["id"]]
    assert listed(needs_attention="false") == [fine["id"]]
    assert listed(needs_attention="true", customer_id=sold.customer["id"]) == [parked["id"]]
    assert listed(needs_attention="true", status="PAUSED") == []


def test_a_bill_that_was_given_up_needs_no_attention_any_more(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    parked = sell(owner).subscribe("2026-02-01T00:00:00Z")
    park(owner, context, clock, parked["id"])
    asked = f"{V1}/subscriptions?needs_attention=true"
    assert owner.get(asked).json()["meta"]["total"] == 1

    post(owner, f"/subscriptions/{parked['id']}/periods/0/skip", {"reason": "Agreed."})

    assert owner.get(asked).json()["data"] == []
    [skipped] = [
        one
        for one in owner.get(f"{V1}/subscriptions/{parked['id']}/timeline").json()["past"]
        if one["action"] == "bill_skipped"
    ]
    assert skipped["actor"].startswith("user:")
    assert skipped["detail"] == "Agreed."


def test_what_is_asked_is_true_or_false(owner: Person) -> None:
    refused = owner.get(f"{V1}/subscriptions?needs_attention=perhaps")

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "needs_attention"


def test_period_whose_bill_is_parked_is_not_billed_beside_it(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    """It has no bill: whoever asks is told to try it again or to give it up."""
    parked = sell(owner).subscribe("2026-02-01T00:00:00Z")
    park(owner, context, clock, parked["id"])

    answer = owner.post(
        f"{V1}/subscriptions/{parked['id']}/generate-invoice", json={"period_index": 0}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "bill_parked")
    assert "price_usage: a broken rule" in answer.json()["detail"]
