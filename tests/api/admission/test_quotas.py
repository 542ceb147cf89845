"""How many things of a kind an organization may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.context import AppContext
from billing.quotas import DEFAULTS, Quota, Quotas
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.setting_errors import InvalidSettings
from runtime.settings import Settings
from services.quotas import QUOTAS
from tests.api.catalogue import PLAN
from tests.api.people import Person

V1 = "/api/v1"
MOST = 2
SUM = {"aggregation_type": "SUM", "property_name": "calls"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """How one is made, and how it makes room again."""

    path: str
    make: Callable[[str], dict[str, Any]]


THINGS: Mapping[Quota, Thing] = {
    Quota.FEATURES: Thing(
        path=f"{V1}/features",
        make=lambda name: {"name": name, "lookup_key": name, "type": "switch"},
    ),
    Quota.METERS: Thing(path=f"{V1}/meters", make=lambda name: {"meter_name": name, **SUM}),
    Quota.PLANS: Thing(
        path=f"{V1}/plans",
        make=lambda name: {**PLAN, "lookup_id": name},
    ),
    Quota.TAX_RATES: Thing(
        path=f"{V1}/tax-rates",
        make=lambda name: {"name": name, "country": "DE", "percentage": "19"},
    ),
    Quota.API_KEYS: Thing(
        path=f"{V1}/api-keys", make=lambda name: {"name": name, "scopes": ["usage.write"]}
    ),
    Quota.INVITATIONS: Thing(
        path=f"{V1}/invitations",
        make=lambda name: {"email": f"{name}@lumenworks.test", "role": "developer"},
    ),
    Quota.TEST_CLOCKS: Thing(
        path=f"{V1}/test-clocks",
        make=lambda name: {"name": name, "frozen_time": "2026-01-01T00:00:00Z"},
    ),
}


@pytest.fixture
def tight(context: AppContext, module_database_url: str) -> Iterator[FastAPI]:
    """An application where an organization may have two of each."""
    quotas = Quotas(most=dict.fromkeys(Quota, MOST))
    engine = create_application_engine(module_database_url, pool_size=2)
    yield create_app(replace(context, transactions=Transactions(engine, {QUOTAS: quotas})))
    engine.dispose()


@pytest.mark.parametrize("quota", Quota)
def test_one_more_than_there_may_be_is_refused_by_name(tight: FastAPI, quota: Quota) -> None:
    thing, owner = THINGS[quota], Person(tight).sign_up()

    def make() -> Any:
        return owner.post(thing.path, json=thing.make(f"n{uuid4().hex[:12]}"))

    made = [make() for _ in range(MOST)]
    refused = make()
    first = made[0].json()["id"]
    removed = owner.delete(f"{thing.path}/{first}")
    again = make()

    assert [answer.status_code for answer in made] == [201] * MOST, made[0].text
    assert refused.status_code == 409
    assert refused.json()["code"] == "quota_reached"
    assert refused.json()["quota"] == quota.value
    assert str(MOST) in refused.json()["detail"]
    assert removed.status_code in (200, 204)
    assert again.status_code == 201


def test_quota_of_one_organization_is_not_anothers(tight: FastAPI) -> None:
    thing = THINGS[Quota.METERS]
    for _ in range(MOST):
        answer = Person(tight).sign_up().post(thing.path, json=thing.make("calls"))
        assert answer.status_code == 201


def test_feature_that_brings_its_meter_needs_room_for_both(tight: FastAPI) -> None:
    owner = Person(tight).sign_up()
    for name in ("one", "two"):
        owner.post(f"{V1}/meters", json={"meter_name": name, **SUM})
    feature = {
        "name": "Calls",
        "lookup_key": "calls",
        "type": "meter",
        "meter_name": "calls",
        **SUM,
    }

    refused = owner.post(f"{V1}/features", json=feature)

    assert (refused.status_code, refused.json().get("quota")) == (409, "meters"), refused.text


def test_settings_say_some_quotas_and_leave_the_others() -> None:
    quotas = Quotas.read("meters=200, plans = 50")

    assert quotas.most[Quota.METERS] == 200
    assert quotas.most[Quota.PLANS] == 50
    assert quotas.most[Quota.FEATURES] == DEFAULTS[Quota.FEATURES]


@pytest.mark.parametrize("text", ["meters", "meters=many", "meters=-1", "invoices=5"])
def test_quotas_that_make_no_sense_begin_nothing(text: str) -> None:
    with pytest.raises(InvalidSettings, match="FLUXRATE_QUOTAS"):
        Settings(_env_file=None, quotas=text)
