"""Credit that is granted again and again, on the screen of a customer's credit."""

from __future__ import annotations

from tests.api.people import Person
from tests.api.sold import V1, post
from tests.console.billed import buyer, words_of
from tests.console.workspace.test_actions import confirmed, form_of, forms_of


def credit_of(owner: Person) -> tuple[str, str]:
    """A customer, and the screen of their tokens."""
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    customer = buyer(owner)
    return customer, f"/console/customers/{customer}/credits?unit=TOKENS"


def test_rule_is_made_shown_in_words_and_ended(owner: Person) -> None:
    customer, screen = credit_of(owner)
    address, fields = form_of(owner, screen, "/credits/rules")
    typed = {"amount": "500", "interval": "week", "expires_after": "month", "reason": "Plan"}

    for _ in range(2):
        owner.post(address, data=fields | typed)
    page = words_of(owner.get(screen).text)
    [(address, own)] = [
        (one, own) for one, own in forms_of(owner.get(screen).text).items() if "/rules/" in one
    ]
    owner.post(address, data=confirmed(own))

    assert "500 TOKENS every week" in page
    assert "each lives a month" in page
    assert ": Plan" in page
    [rule] = owner.get(f"{V1}/customers/{customer}/grant-rules").json()["data"]
    assert rule["ended_because"] == "person"
    assert "ended" in words_of(owner.get(screen).text)


def test_rules_of_every_unit_stand_beside_each_other(owner: Person) -> None:
    customer, screen = credit_of(owner)
    rule = {"unit": "USD", "amount": 7, "interval": {"interval": "month", "count": 3}}
    post(owner, f"/customers/{customer}/grant-rules", rule)

    for one in (screen, screen.replace("TOKENS", "USD")):
        assert "7 USD every 3 months" in words_of(owner.get(one).text)


def test_credit_is_shown_as_of_another_day(owner: Person) -> None:
    customer, screen = credit_of(owner)
    grant = {"unit": "TOKENS", "amount": 500, "effective_at": "2026-03-10T00:00:00Z"}
    post(owner, f"/customers/{customer}/grants", grant)

    now, then = (owner.get(f"{screen}{at}").text for at in ("", "&at=2026-03-11"))

    assert "Available 0 TOKENS can be spent now" in words_of(now)
    assert "Available 500 TOKENS could be spent then" in words_of(then)
    assert f"/customers/{customer}/balance?unit=TOKENS&amp;at=2026-03-11" in then
    assert owner.get(f"{screen}&at=someday").status_code == 422
