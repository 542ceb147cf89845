"""A test clock by itself: who lives by it, and what came of moving it."""

from __future__ import annotations

from typing import Any

from console.workspace.clocks.screen import FEW
from tests.api.people import Person
from tests.api.sold import V1, Sold, post
from tests.console.billed import addresses_in, bill, meter_and_sell, words_of
from tests.console.workspace.test_actions import form_of

SCRIPT = {"HX-Request": "true"}


def live_by_a_clock(owner: Person, *names: str) -> tuple[Sold, str, list[dict[str, Any]]]:
    """Customers on a clock that stands in January, each subscribed since its begin."""
    clock = post(owner, "/test-clocks", {"name": "Year", "frozen_time": "2026-01-20T00:00:00Z"})
    sold = meter_and_sell(owner)
    subscriptions = []
    for name in names:
        body = {"name": name, "email": "a@harbor.test", "test_clock_id": clock["id"]}
        customer = post(owner, "/customers", body | {"billing_address_country": "GB"})
        started = sold.subscribe("2026-01-01T00:00:00Z", customer_id=customer["id"])
        subscriptions.append(started)
    return sold, f"/console/test-clocks/{clock['id']}", subscriptions


def test_clock_tells_what_happened_to_everybody_who_lives_by_it(owner: Person) -> None:
    sold, screen, [harbor, acme] = live_by_a_clock(owner, "Harbor", "Acme")
    sold.subscribe("2026-03-01T00:00:00Z")
    invoice = bill(owner, harbor)

    page = owner.get(screen).text
    effects = owner.get(f"{screen}/effects", headers=SCRIPT).text
    whole = owner.get(f"{screen}/effects").text

    assert f'hx-get="{screen}/effects?page=1"' in page
    for one in (harbor, acme):
        assert f"/console/subscriptions/{one['id']}" in page
        assert f"/console/subscriptions/{one['id']}" in effects
    assert "Harbor Labs" not in words_of(page + effects)
    assert f"/console/invoices/{invoice['id']}" in effects
    assert "<html" not in effects
    assert f"/console/invoices/{invoice['id']}" in whole


def test_effects_are_those_of_the_timelines_the_newest_first(owner: Person) -> None:
    _, screen, [subscription] = live_by_a_clock(owner, "Harbor")
    bill(owner, subscription)
    past = owner.get(f"{V1}/subscriptions/{subscription['id']}/timeline").json()["past"]

    effects = words_of(owner.get(f"{screen}/effects", headers=SCRIPT).text)

    told = [one["action"].replace("_", " ").replace(".", " ").capitalize() for one in past]
    assert len(told) > 1
    places = [effects.rindex(one) for one in dict.fromkeys(reversed(told))]
    assert places == sorted(places)


def test_clock_without_subscriptions_says_what_to_do(owner: Person) -> None:
    _, screen, _ = live_by_a_clock(owner)

    assert "Give a customer this clock" in words_of(owner.get(screen).text)
    assert "Nothing yet." in words_of(owner.get(f"{screen}/effects", headers=SCRIPT).text)


def test_what_came_of_a_clock_is_asked_for_anew_as_it_has_arrived(owner: Person) -> None:
    _, screen, _ = live_by_a_clock(owner, "Harbor")
    address, fields = form_of(owner, screen, "/advance")
    ready = owner.get(screen).text

    moving = owner.post(address, data=fields | {"frozen_time": "2026-02-01T00:00:00Z"}).text

    clock = screen.rpartition("/")[2]
    asks = f'hx-get="{screen}?whole=now" hx-trigger="done from:#clock-{clock}"'
    assert (asks in ready, asks in moving) == (False, True)


def test_whole_of_a_page_of_subscriptions_is_of_the_same_page(owner: Person) -> None:
    _, screen, subscriptions = live_by_a_clock(owner, *(f"Buyer {one}" for one in range(FEW + 1)))
    last = subscriptions[-1]["id"]

    page = owner.get(f"{screen}?page=2").text
    part = owner.get(f"{screen}/effects?page=2")
    [whole] = {one for one in addresses_in(page) if "whole=now" in one}

    assert last in page
    assert str(part.url).endswith(f"{screen}?page=2&whole=now")
    for one in (part.text, owner.get(screen + whole).text):
        assert last in one
        assert subscriptions[0]["id"] not in one


def test_who_advances_a_clock_is_led_to_what_comes_of_it(owner: Person) -> None:
    _, screen, _ = live_by_a_clock(owner, "Harbor")
    address, fields = form_of(owner, screen, "/advance")

    moved = owner.post(address, data=fields | {"frozen_time": "2026-02-01T00:00:00Z"})

    assert str(moved.url).endswith(screen)
    assert "0 of 1 subscriptions and collections have come along" in words_of(moved.text)


def test_subscriptions_of_a_clock_are_listed_alone(owner: Person) -> None:
    sold, screen, [subscription] = live_by_a_clock(owner, "Harbor")
    sold.subscribe("2026-03-01T00:00:00Z")
    clock = screen.rpartition("/")[2]

    found = owner.get(f"{V1}/subscriptions", params={"test_clock_id": clock}).json()

    assert [one["id"] for one in found["data"]] == [subscription["id"]]
    assert found["meta"]["total"] == 1
