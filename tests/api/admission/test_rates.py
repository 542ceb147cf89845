"""How often a key, an organization and its events may come, and what answers say of it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from httpx2 import Response

from api.admission.rates.counts import PLACES, SECOND, TRIED_PLACES, Allowance, Counts
from api.admission.rates.policies import RateLimits
from api.app import create_app
from api.context import AppContext, state_of
from tests.api.connections.site import running_site
from tests.api.people import Person

TEN = Allowance(quota=10, seconds=60)
EVENT = {"meter_name": "none", "customer_external_id": "a", "quantity": 1}


def test_allowance_is_spent_at_once_and_comes_back_one_by_one() -> None:
    counts = Counts.alone()

    spent = [counts.take(7, 1, TEN, now=SECOND) for _ in range(11)]
    later = [counts.take(7, 1, TEN, now=7 * SECOND + second) for second in (0, 1)]

    assert [one.remaining for one in spent] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [one.wait_seconds for one in spent] == [0] * 10 + [6]
    assert [one.full_in_seconds for one in spent[:2]] == [6, 12]
    assert [one.wait_seconds for one in later] == [0, 6]


def test_who_wants_more_than_there_can_be_takes_all() -> None:
    counts = Counts.alone()

    assert counts.take(7, 50, TEN, now=0).remaining == 0
    assert counts.take(7, 1, TEN, now=0).wait_seconds == 6
    assert counts.take(7, 50, TEN, now=60 * SECOND).wait_seconds == 0


def test_names_are_counted_apart_and_the_first_to_be_whole_makes_room() -> None:
    counts = Counts.alone()
    names = [7 + number * PLACES for number in range(TRIED_PLACES)]
    for units, name in enumerate(names, 3):
        counts.take(name, units, TEN, now=0)

    newcomer = counts.take(7 + 99 * PLACES, 10, TEN, now=0)
    left = [counts.take(name, 0, TEN, now=0).remaining for name in names[1:]]

    assert newcomer.remaining == 0
    assert left == [6, 5, 4, 3, 2, 1, 0]


def test_processes_that_share_a_file_count_together(tmp_path: Path) -> None:
    file = tmp_path / "rates"
    program = (
        "import sys; from pathlib import Path; from api.admission.rates.counts import *;"
        "print(Counts.shared(Path(sys.argv[1])).take(7, 4, Allowance(quota=10, seconds=60),"
        " now=0).remaining)"
    )

    left = [
        subprocess.check_output([sys.executable, "-c", program, str(file)], text=True)
        for _ in range(2)
    ]

    assert [int(one) for one in left] == [6, 2]
    assert Counts.shared(file).take(7, 4, TEN, now=0).wait_seconds > 0


def stand_still() -> int:
    """A clock for tests whose requests may take seconds."""
    return SECOND


@pytest.fixture
def limited(context: AppContext) -> FastAPI:
    limits = RateLimits(per_key=20, per_organization=30, events_per_organization=12)
    return create_app(replace(context, rate_limits=limits, rates_clock=stand_still))


def policy(answer: Response, name: str) -> dict[str, int]:
    """What an answer says of one limit: its quota, its window, what remains, until it is whole."""
    text = answer.headers.get("RateLimit-Policy", "") + ", " + answer.headers.get("RateLimit", "")
    found = re.findall(rf'"{name}"((?:;\w=\d+)+)', text)
    return {key: int(value) for key, value in re.findall(r";(\w)=(\d+)", "".join(found))}


def make_key(person: Person) -> dict[str, str]:
    scopes = ["billing.write", "usage.write"]
    answer = person.post("/api/v1/api-keys", json={"name": "Backend", "scopes": scopes})
    return {"X-API-Key": answer.json()["key"]}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/organization",
        "/api/v1/customers",
        "/api/v1/plans/00000000-0000-0000-0000-000000000001",
    ],
)
def test_every_answer_to_somebody_known_tells_what_is_left(limited: FastAPI, path: str) -> None:
    owner = Person(limited).sign_up()

    first, second = owner.get(path), owner.get(path)

    assert policy(first, "key") == {"q": 20, "w": 60, "r": 19, "t": 3}
    assert policy(second, "key")["r"] == 18
    assert policy(second, "organization") == {"q": 30, "w": 60, "r": 28, "t": 4}


def test_strangers_are_told_nothing(limited: FastAPI) -> None:
    assert "RateLimit" not in Person(limited).get("/api/v1/organization").headers


def test_key_that_asks_too_often_waits_and_no_other(limited: FastAPI) -> None:
    owner = Person(limited).sign_up()
    key, other = make_key(owner), make_key(owner)
    visitor = Person(limited)

    answers = [visitor.get("/api/v1/customers", headers=key) for _ in range(21)]
    refused = answers[-1]

    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert refused.json()["code"] == "rate_limited"
    assert refused.headers["Retry-After"] == "3"
    assert policy(refused, "key")["r"] == 0
    assert visitor.get("/api/v1/customers", headers=other).status_code == 200
    assert Person(limited).sign_up().get("/api/v1/customers").status_code == 200


def test_keys_of_an_organization_have_its_limit_together(limited: FastAPI) -> None:
    owner = Person(limited).sign_up()
    keys = [make_key(owner), make_key(owner)]
    visitor = Person(limited)

    answers = [visitor.get("/api/v1/customers", headers=keys[turn % 2]) for turn in range(29)]

    # Two were taken to make the keys.
    assert [answer.status_code for answer in answers] == [200] * 28 + [429]
    assert policy(answers[-1], "organization")["r"] == 0
    assert policy(answers[-1], "key")["r"] > 0


def test_events_are_counted_by_rows_and_not_as_requests(limited: FastAPI) -> None:
    owner = Person(limited).sign_up()
    key, visitor = make_key(owner), Person(limited)

    batch = visitor.post("/api/v1/usage/batch", json=[EVENT] * 8, headers=key)
    one = visitor.post("/api/v1/usage", json=EVENT, headers=key)
    refused = visitor.post("/api/v1/usage/batch", json=[EVENT] * 4, headers=key)
    read = visitor.get("/api/v1/customers", headers=key)

    assert batch.status_code == 200
    assert policy(batch, "events") == {"q": 12, "w": 60, "r": 4, "t": 40}
    assert policy(one, "events")["r"] == 3
    assert policy(one, "key") == {}
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert policy(read, "key")["r"] == 19


def test_machines_divide_a_limit(context: AppContext) -> None:
    app = create_app(
        replace(
            context,
            rate_limits=RateLimits(per_key=20, replicas=4),
            rates_clock=stand_still,
        )
    )

    assert policy(Person(app).sign_up().get("/api/v1/organization"), "key")["q"] == 5


def test_no_limit_is_not_told(context: AppContext) -> None:
    limits = RateLimits(per_key=0, per_organization=0, events_per_organization=0)
    app = create_app(replace(context, rate_limits=limits, rates_clock=stand_still))

    answer = Person(app).sign_up().get("/api/v1/organization")

    assert answer.status_code == 200
    assert "RateLimit-Policy" not in answer.headers
    assert state_of(app).rates is not None


def test_processes_of_one_api_allow_a_limit_once(module_database_url: str, tmp_path: Path) -> None:
    with running_site(
        module_database_url, tmp_path, processes=2, FLUXRATE_RATE_PER_CALLER="30"
    ) as site:

        def ask(_number: int) -> int:
            # Each on a connection of its own, so that both processes are asked.
            url = f"http://127.0.0.1:{site.port}/api/v1/customers"
            return httpx2.get(url, headers={"X-API-Key": site.key}).status_code

        began = time.monotonic()
        with ThreadPoolExecutor(4) as callers:
            answers = list(callers.map(ask, range(60)))
        came_back = (time.monotonic() - began) / 2

    # One comes back every two seconds, also on a busy machine.
    assert 30 <= answers.count(200) <= 31 + came_back
    assert answers.count(429) == 60 - answers.count(200)
