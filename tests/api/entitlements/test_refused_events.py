"""Events refused at a hard limit, over HTTP (CONTRACT 11, 33)."""

from __future__ import annotations

from tests.api.people import Person
from tests.api.sold import V1, sell


def test_event_over_a_hard_limit_is_a_conflict_and_leaves_no_trace(owner: Person) -> None:
    sold = sell(owner, usage_limit=10, reject_over_limit=True)
    sold.subscribe()
    sold.used(8)

    answer = sold.use(3, idempotency_key="a")

    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert (problem["code"], problem["errors"][0]["field"]) == ("limit_exceeded", "quantity")
    assert sold.check()["usage"] == 8
    # The refused key is free.
    sold.used(2, idempotency_key="a")
    assert (sold.check()["has_access"], sold.check()["remaining"]) == (False, 0)


def test_batch_refuses_rows_over_the_limit_and_keeps_the_others(owner: Person) -> None:
    sold = sell(owner, usage_limit=10, reject_over_limit=True)
    sold.subscribe()
    row = {"meter_name": "api_calls", "customer_external_id": "acct_77"}
    rows = [row | {"quantity": 8}, row | {"quantity": 3}, row | {"quantity": 2}]

    answer = owner.post(f"{V1}/usage/batch", json=rows).json()

    assert (answer["accepted"], answer["rejected"]) == (2, 1)
    assert answer["results"][1]["error"]["code"] == "limit_exceeded"
    assert sold.check()["usage"] == 10


def test_atomic_batch_over_the_limit_is_refused_whole(owner: Person) -> None:
    sold = sell(owner, usage_limit=10, reject_over_limit=True)
    sold.subscribe()
    row = {"meter_name": "api_calls", "customer_external_id": "acct_77"}

    answer = owner.post(
        f"{V1}/usage/batch?atomic=true", json=[row | {"quantity": 8}, row | {"quantity": 3}]
    )

    assert answer.status_code == 422, answer.text
    assert [(one["index"], one["code"]) for one in answer.json()["errors"]] == [
        (1, "limit_exceeded")
    ]
    assert sold.check()["usage"] == 0
