"""What a customer may use now (CONTRACT 11, 43, section 6)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.api.people import Clock, Person
from tests.api.sold import V1, add_feature, add_plan, grant_feature, post, sell
from tests.servers import superuser_url


def test_check_says_usage_limit_rest_and_reset(owner: Person) -> None:
    sold = sell(owner)
    subscription = sold.subscribe()
    sold.used(800, "2026-03-01T00:00:00Z")

    answer = sold.check()

    assert answer == {
        "feature_id": sold.feature["id"],
        "lookup_key": "api_calls",
        "name": "API Calls",
        "type": "meter",
        "has_access": True,
        "reason": None,
        "usage": 800,
        "limit": 1000,
        "remaining": 200,
        "resets_at": "2026-04-01T00:00:00Z",
        "is_soft_limit": False,
        "static_value": None,
        "subscription_id": subscription["id"],
    }
    assert sold.check(customer=sold.customer["id"]) == answer


@pytest.mark.parametrize(
    ("is_soft_limit", "used", "has_access", "reason", "remaining"),
    [
        (False, 999, True, None, 1),
        (False, 1000, False, "limit_reached", 0),
        (False, 1200, False, "limit_reached", 0),
        (True, 1200, True, None, 0),
    ],
    ids=["below", "at a hard limit", "over a hard limit", "over a soft limit"],
)
def test_access_ends_at_a_hard_limit_and_never_at_a_soft_one(
    owner: Person, is_soft_limit: bool, used: int, has_access: bool, reason: str, remaining: int
) -> None:
    sold = sell(owner, is_soft_limit=is_soft_limit)
    sold.subscribe()
    sold.used(used)

    answer = sold.check()

    assert (answer["usage"], answer["remaining"]) == (used, remaining)
    assert (answer["has_access"], answer["reason"]) == (has_access, reason)


def test_every_acknowledged_event_counts_at_once(owner: Person) -> None:
    sold = sell(owner)
    sold.subscribe()

    usages = []
    for _ in range(8):
        event = sold.used("0.5")
        usages.append(sold.check()["usage"])
    owner.post(f"{V1}/usage/{event['id']}/void")

    assert usages == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert sold.check()["usage"] == 3.5


def test_unlimited_feature_has_no_limit_and_counts(owner: Person) -> None:
    sold = sell(owner, usage_limit=None)
    sold.subscribe()
    sold.used(5_000_000)

    answer = sold.check()

    assert (answer["usage"], answer["limit"], answer["remaining"]) == (5_000_000, None, None)
    assert answer["has_access"] is True


def test_window_resets_by_its_own_period_from_the_anchor(owner: Person, clock: Clock) -> None:
    sold = sell(owner, usage_limit=10, usage_reset_period="day")
    sold.subscribe("2026-02-01T07:30:15.5Z")
    for timestamp in (
        "2026-03-01T07:30:15.499Z",
        "2026-03-01T07:30:15.5Z",
        "2026-03-01T12:00:00Z",
        "2026-03-02T07:30:15.499Z",
        "2026-03-02T07:30:15.5Z",
        "2026-03-02T08:03:00Z",
    ):
        sold.used(3, timestamp)

    today = sold.check()
    clock.instant = clock.instant.replace(hour=7, minute=30, second=15, microsecond=499_999)
    yesterday = sold.check()

    assert (today["usage"], today["resets_at"]) == (6, "2026-03-03T07:30:15.500000Z")
    assert (yesterday["usage"], yesterday["resets_at"]) == (9, "2026-03-02T07:30:15.500000Z")


@pytest.mark.parametrize(
    ("aggregation", "usage"),
    [("SUM", 12), ("COUNT", 3), ("MAX", 7), ("LAST", 2), ("MIN", 2), ("UNIQUE_COUNT", 2)],
)
def test_every_aggregation_is_measured(owner: Person, aggregation: str, usage: int) -> None:
    meter: dict[str, Any] = {"aggregation_type": aggregation}
    if aggregation == "UNIQUE_COUNT":
        meter["property_name"] = "user"
    sold = sell(owner, meter, usage_limit=None)
    sold.subscribe("2026-03-01T10:17:00Z")
    sold.used(100, "2026-03-01T10:16:59Z", metadata={"user": "before"})
    for quantity, hour, user in ((3, "10:20", "ann"), (7, "14:00", "bob"), (2, "23:59", "ann")):
        sold.used(quantity, f"2026-03-01T{hour}:00Z", metadata={"user": user})

    assert sold.check()["usage"] == usage


def test_switch_and_custom_features_answer_from_the_plan(owner: Person) -> None:
    sold = sell(owner)
    for key, kind, grant in (
        ("sso", "switch", {}),
        ("export", "switch", {"is_enabled": False}),
        ("support", "custom", {"static_value": "unlimited"}),
    ):
        grant_feature(owner, sold.plan, add_feature(owner, key, type=kind), **grant)
    sold.subscribe()

    sso, export, support = (sold.check(key) for key in ("sso", "export", "support"))

    assert (sso["has_access"], sso["usage"], sso["limit"]) == (True, None, None)
    assert (export["has_access"], export["reason"]) == (False, "disabled")
    assert (support["has_access"], support["static_value"]) == (True, "unlimited")


def test_list_answers_for_every_feature(owner: Person) -> None:
    sold = sell(owner)
    add_feature(owner, "sso", type="switch")
    storage = add_feature(owner, "storage")
    grant_feature(owner, sold.plan, storage, usage_limit=5, is_soft_limit=True)
    sold.subscribe()
    sold.used(800)

    answer = owner.get(f"{V1}/customers/acct_77/entitlements")

    assert answer.status_code == 200
    assert [
        (one["lookup_key"], one["has_access"], one["usage"], one["reason"])
        for one in answer.json()["data"]
    ] == [
        ("api_calls", True, 800, None),
        ("sso", False, None, "not_on_plan"),
        ("storage", True, 0, None),
    ]
    assert answer.json()["data"][0] == sold.check()


def test_most_generous_of_several_subscriptions_wins(owner: Person) -> None:
    sold = sell(owner)
    sold.subscribe()
    larger = add_plan(owner, "larger")
    grant_feature(owner, larger, sold.feature, usage_limit=5000)
    second = sold.subscribe(plan_id=larger["id"])
    sold.used(1500)

    answer = sold.check()

    assert (answer["limit"], answer["remaining"], answer["has_access"]) == (5000, 3500, True)
    assert answer["subscription_id"] == second["id"]


def test_unknown_customers_and_keys_are_not_found(owner: Person, sign_up: Any) -> None:
    sold = sell(owner)
    stranger = sign_up("Elsewhere")

    found = {
        "unknown key": owner.get(f"{V1}/customers/acct_77/entitlements/nothing"),
        "unknown customer": owner.get(f"{V1}/customers/nobody/entitlements/api_calls"),
        "list of an unknown customer": owner.get(f"{V1}/customers/nobody/entitlements"),
        "another organization's": stranger.get(
            f"{V1}/customers/{sold.customer['id']}/entitlements/api_calls"
        ),
    }
    owner.delete(f"{V1}/customers/{sold.customer['id']}")
    found["deleted customer"] = owner.get(f"{V1}/customers/acct_77/entitlements/api_calls")

    assert {name: answer.status_code for name, answer in found.items()} == dict.fromkeys(found, 404)


def test_id_wins_over_an_external_id_of_the_same_text(owner: Person) -> None:
    sold = sell(owner)
    subscription = sold.subscribe()
    impostor = sold.customer["id"]
    post(owner, "/customers", {"name": "I", "email": "i@i.test", "external_id": impostor})

    assert sold.check(customer=impostor)["subscription_id"] == subscription["id"]


def test_answers_go_on_after_the_database_dropped_its_connections(
    owner: Person, clock: Clock, module_database_url: str
) -> None:
    sold = sell(owner)
    sold.subscribe()
    sold.check()

    with psycopg.connect(superuser_url(module_database_url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert sold.check()["has_access"] is True
