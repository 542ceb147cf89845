"""Previews asked for both ways: in front of the framework, and by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from api.routers.subscriptions.previews import write_in_front
from api.transport.fast_path import FastRoutes
from tests.api.people import Person
from tests.api.sold import V1, Sold, post

TIERS = [
    {"up_to": 3, "unit_price": "0.1000000000000000001", "flat_fee": "1.5"},
    {"up_to": None, "unit_price": "0.05"},
]
GRADUATED = {"pricing": {"model": "graduated", "tiers": TIERS}}

Prepare = Callable[[Sold], dict[str, Any]]


def charge(sold: Sold, **priced: Any) -> dict[str, Any]:
    """A charge for the calls."""
    body = {"type": "USAGE", "meter_id": sold.feature["meter"]["id"]} | (priced or GRADUATED)
    return post(sold.owner, f"/plans/{sold.plan['id']}/charges", body)


def preview(person: Person, subscription: str, **request: Any) -> tuple[Any, ...]:
    """All of an answer but what each request has of its own."""
    answer = person.post(f"{V1}/subscriptions/{subscription}/preview-invoice", **request)
    own = {"x-request-id", "ratelimit", "content-length"}
    body: object = answer.content
    if answer.is_error:
        body = {key: said for key, said in answer.json().items() if key != "request_id"}
    headers = {name: said for name, said in answer.headers.items() if name not in own}
    return answer.status_code, body, headers


def both(person: Person, subscription: str, **request: Any) -> tuple[bool, tuple[Any, ...]]:
    """Whether a preview was answered in front, and what both ways say."""
    is_in_front: list[bool] = []

    async def noticing(*asked: Any) -> Any:
        looked = await write_in_front(*asked)
        is_in_front.append(True)
        return looked

    with patch("api.routers.subscriptions.actions.write_in_front", noticing):
        in_front = preview(person, subscription, **request)
        # What finds the same is not composed again.
        assert preview(person, subscription, **request) == in_front
    with patch.object(FastRoutes, "find", lambda _front, _scope: False):
        expected = preview(person, subscription, **request)
    assert in_front == expected
    return bool(is_in_front), in_front
