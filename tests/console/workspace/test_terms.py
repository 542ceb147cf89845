"""What a plan commits to, add-ons and thresholds of subscriptions: shown, agreed on, and ended."""

from __future__ import annotations

from tests.api.people import Person
from tests.api.sold import V1
from tests.console.billed import billed, meter_and_sell, words_of
from tests.console.workspace.test_actions import confirmed, form_of


def test_commitment_is_agreed_on_once_and_ended_by_its_amount(owner: Person) -> None:
    plan = meter_and_sell(owner).plan
    screen = f"/console/plans/{plan['id']}"
    address, fields = form_of(owner, screen, "/commitments")
    typed = fields | {"amount": "1200", "term_periods": "12", "overage_factor": "0.8"}

    pages = [words_of(owner.post(address, data=typed).text) for _ in range(2)]
    end, own = form_of(owner, screen, "/end")
    refused = owner.post(end, data=own | {"confirmation": "12"})
    ended = words_of(owner.post(end, data=confirmed(own)).text)

    told = "$1,200.00 a term of 12 periods of all that is priced in money, beyond it 0.8 times"
    assert pages[1].count(told) == 1
    assert (own["expected"], refused.status_code) == ("1200", 422)
    assert ", ended " in ended
    [commitment] = owner.get(f"{V1}/plans/{plan['id']}/commitments").json()["data"]
    assert commitment["ended_at"] is not None


def test_add_on_is_attached_once_and_ended_by_its_name(owner: Person) -> None:
    _, invoice = billed(owner)
    screen = f"/console/subscriptions/{invoice['subscription_id']}"
    address, fields = form_of(owner, screen, "/add-ons")
    typed = fields | {"display_name": "Seats", "unit_price": "12.50", "quantity": "4"}

    pages = [words_of(owner.post(address, data=typed).text) for _ in range(2)]
    end, own = form_of(owner, screen, "/detach")
    refused = owner.post(end, data=own | {"confirmation": "seats"})
    ended = words_of(owner.post(end, data=confirmed(own)).text)

    assert pages[1].count("Seats 4 × $12.50") == 1
    assert refused.status_code == 422
    assert "None. An add-on is on each bill" in ended


def test_threshold_is_set_and_taken_away(owner: Person) -> None:
    _, invoice = billed(owner)
    path = f"/subscriptions/{invoice['subscription_id']}"
    address, fields = form_of(owner, f"/console{path}", "/threshold")

    at = words_of(owner.post(address, data=fields | {"threshold_amount": "50"}).text)
    _, own = form_of(owner, f"/console{path}", "/threshold")
    never = words_of(owner.post(address, data=own | {"threshold_amount": ""}).text)

    assert "Billed at once From $50.00 unbilled" in at
    assert own["threshold_amount"] == "50"
    assert "Billed at once Never: as its periods end" in never
    assert owner.get(f"{V1}{path}").json()["threshold_amount"] is None


def test_call_of_an_add_on_is_shown_as_it_is_sent(owner: Person) -> None:
    _, invoice = billed(owner)

    page = words_of(owner.get(f"/console/subscriptions/{invoice['subscription_id']}").text)

    charge = '"unit_price": "<price of one, a period>", "display_name": "<what invoices call it>"'
    assert f'{{"charge": {{{charge}}}, "quantity": "1"}}' in page
