"""Who may read and write the catalogue, and how it is described."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from tests.api.catalog.test_plans import without_reach
from tests.api.catalogue import FEATURE, PLAN, V1, create
from tests.api.people import Person
from tests.api.shared_document import shared_document


def test_another_organization_sees_and_reaches_nothing(sign_up: Callable[..., Person]) -> None:
    ours, theirs = sign_up("Lumen Works"), sign_up("Harbor Labs")
    feature = create(ours, "/features", FEATURE)
    plan = create(ours, "/plans", PLAN)
    body = {"type": "USAGE", "meter_id": feature["meter_id"], "unit_price": 1}
    charge = create(ours, f"/plans/{plan['id']}/charges", body)
    grant = {"feature_id": feature["id"], "is_enabled": True}
    granted = create(ours, f"/plans/{plan['id']}/features", grant)
    create(theirs, "/features", FEATURE)
    own_plan = create(theirs, "/plans", PLAN)

    reached = [
        theirs.get(f"{V1}/features/{feature['id']}"),
        theirs.patch(f"{V1}/features/{feature['id']}", json={"name": "Mine"}),
        theirs.delete(f"{V1}/features/{feature['id']}"),
        theirs.get(f"{V1}/meters/{feature['meter_id']}"),
        theirs.patch(f"{V1}/meters/{feature['meter_id']}", json={"unit": "mine"}),
        theirs.delete(f"{V1}/meters/{feature['meter_id']}"),
        theirs.get(f"{V1}/plans/{plan['id']}"),
        theirs.patch(f"{V1}/plans/{plan['id']}", json={"name": "Mine"}),
        theirs.delete(f"{V1}/plans/{plan['id']}"),
        theirs.post(f"{V1}/plans/{plan['id']}/charges", json=body),
        theirs.patch(
            f"{V1}/plans/{plan['id']}/charges/{charge['id']}", json={"status": "INACTIVE"}
        ),
        theirs.patch(
            f"{V1}/plans/{own_plan['id']}/charges/{charge['id']}", json={"status": "INACTIVE"}
        ),
        theirs.post(f"{V1}/plans/{plan['id']}/features", json=grant),
        theirs.post(f"{V1}/plans/{own_plan['id']}/features", json=grant),
        theirs.post(f"{V1}/plans/{own_plan['id']}/charges", json=body),
        theirs.delete(f"{V1}/plans/{plan['id']}/features/{granted['id']}"),
        theirs.delete(f"{V1}/plans/{own_plan['id']}/features/{granted['id']}"),
    ]

    assert [answer.status_code for answer in reached] == [404] * len(reached)
    assert "Lumen" not in "".join(answer.text for answer in reached)
    assert [one["id"] for one in theirs.get(f"{V1}/plans").json()["data"]] == [own_plan["id"]]
    unchanged = ours.get(f"{V1}/plans/{plan['id']}").json()
    assert (unchanged["version"], unchanged["charges"], unchanged["features"]) == (
        3,
        [without_reach(charge)],
        [without_reach(granted)],
    )


def test_scopes_decide_who_may_read_and_write(app: FastAPI, owner: Person) -> None:
    reader, writer, counter = (
        {"X-API-Key": owner.make_key(scope)}
        for scope in ("billing.read", "billing.write", "usage.write")
    )
    stranger = Person(app)

    def statuses(headers: dict[str, str], lookup_id: str) -> tuple[int, int]:
        listed = stranger.get(f"{V1}/plans", headers=headers)
        created = stranger.post(
            f"{V1}/plans", json={**PLAN, "lookup_id": lookup_id}, headers=headers
        )
        return listed.status_code, created.status_code

    assert statuses({}, "a") == (401, 401)
    assert statuses(reader, "b") == (200, 403)
    assert statuses(writer, "c") == (200, 201)
    assert statuses(counter, "d") == (403, 403)


def test_catalogue_is_described_in_openapi() -> None:
    paths = shared_document()["paths"]

    described = {
        (method, path.removeprefix(V1))
        for path, methods in paths.items()
        for method in methods
        if path.startswith((f"{V1}/features", f"{V1}/plans", f"{V1}/tax-rates"))
    }
    assert {
        ("post", "/features"),
        ("get", "/features/{feature_id}"),
        ("put", "/plans/{plan_id}"),
        ("patch", "/plans/{plan_id}"),
        ("post", "/plans/{plan_id}/charges"),
        ("patch", "/plans/{plan_id}/charges/{charge_id}"),
        ("delete", "/plans/{plan_id}/features/{plan_feature_id}"),
        ("post", "/tax-rates"),
    } <= described
