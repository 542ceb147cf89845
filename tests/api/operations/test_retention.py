"""What is old goes by itself, every kind after its own period; an erasure goes on with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.context import AppContext
from cli.keeping.findings import State, judge_erasures
from repositories.personal_data.erasures import UNFINISHED
from runtime.measuring.counters import BillingCounters
from runtime.relays.retention import Retention
from services.personal_data import erasing
from services.personal_data.retention import Kind, Periods, kinds_of
from services.personal_data.unfinished import count_overdue
from tests.api.access.furnished import write_invoice
from tests.api.people import PASSWORD, Clock, Person
from tests.api.sold import Sold, add_feature, post, sell

V1 = "/api/v1"
CUSTOMER = {"name": "Quay", "email": "a@quay.test", "billing_address_country": "DE"}


@pytest.fixture
def retention(context: AppContext, clock: Clock) -> Retention:
    """The job, at the clock of the test."""
    return Retention(context.transactions, kinds_of(Periods()), now=clock)


def read(context: AppContext, owner: Person, statement: str) -> list[Any]:
    """Rows of the owner's organization."""
    organization_id = owner.get(f"{V1}/organization").json()["id"]
    with context.transactions.for_organization(organization_id) as session:
        return [tuple(row) for row in session.execute(text(statement))]


def come_back(owner: Person, clock: Clock, **parts: float) -> None:
    """So much later the owner logs in again."""
    clock.advance(**parts)
    answer = owner.post(f"{V1}/auth/login", json={"email": owner.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text


def use_much(owner: Person) -> Sold:
    """Five calls, and five times that one of two people came."""
    sold = sell(owner)
    add_feature(
        owner,
        "people",
        meter_name="people",
        aggregation_type="UNIQUE_COUNT",
        property_name="person",
    )
    for number in range(5):
        sold.used(number + 1, idempotency_key=f"k{number}", properties={"note": "Ada"})
        person = {
            "meter_name": "people",
            "customer_external_id": "acct_77",
            "idempotency_key": f"p{number}",
            "properties": {"person": f"person-{number % 2}"},
        }
        sent = owner.post(f"{V1}/usage", json=person, headers={"X-API-Key": sold.key})
        assert sent.status_code == 201, sent.text
    return sold


def test_members_who_left_and_people_who_were_invited_are_forgotten(
    owner: Person, context: AppContext, clock: Clock, retention: Retention
) -> None:
    member = owner.invite("developer")
    owner.post(f"{V1}/invitations", json={"email": "never@came.test", "role": "billing"})
    [member_id] = (
        one["id"] for one in owner.get(f"{V1}/members").json()["data"] if one["role"] != "owner"
    )
    owner.delete(f"{V1}/members/{member_id}")
    people = f"SELECT email FROM app_user WHERE id = '{member_id}'"
    invited = "SELECT email FROM invitation ORDER BY created_at"

    retention.forget_all()
    assert read(context, owner, people) == [(member.email,)]
    come_back(owner, clock, days=100)
    first, again = retention.forget_all(), retention.forget_all()

    assert first["invitations"] >= 2
    assert set(again.values()) == {0}
    assert first["sessions"] >= 1
    assert {email for (email,) in read(context, owner, invited)}.isdisjoint(
        {member.email, "never@came.test"}
    )
    come_back(owner, clock, days=300)
    assert retention.forget_all()["former_members"] >= 1
    assert read(context, owner, people) == [(member_id,)]
    actors = "SELECT count(*) FROM audit_entry WHERE action = 'member.removed'"
    assert read(context, owner, actors) == [(1,)]


def test_kept_answers_of_whoever_asks_no_more_are_forgotten(
    owner: Person, context: AppContext, clock: Clock, retention: Retention
) -> None:
    body = {"name": "Quay", "email": "a@quay.test"}
    owner.post(f"{V1}/customers", json=body, headers={"Idempotency-Key": "once"})

    assert retention.forget_all()["kept_answers"] == 0
    come_back(owner, clock, days=2)
    assert retention.forget_all()["kept_answers"] >= 1
    assert read(context, owner, "SELECT 1 FROM idempotency_request") == []


def test_mails_no_longer_say_where_they_went_and_are_not_sent_again(
    owner: Person, context: AppContext, clock: Clock, retention: Retention
) -> None:
    customer = post(owner, "/customers", CUSTOMER)
    invoice = write_invoice(owner, customer["id"], description="A", quantity=1, unit_amount=1)
    post(owner, f"/invoices/{invoice['id']}/send-email", {})
    keys = "SELECT key FROM email ORDER BY key"
    before = read(context, owner, keys)
    assert before != []

    come_back(owner, clock, days=731)
    assert retention.forget_all()["mail_addresses"] >= len(before)

    assert read(context, owner, keys) == before
    assert read(context, owner, "SELECT 1 FROM email WHERE recipient IS NOT NULL") == []


def test_many_events_are_erased_batch_by_batch(
    owner: Person,
    context: AppContext,
    clock: Clock,
    retention: Retention,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(erasing, "AT_ONCE", 4)
    monkeypatch.setattr(erasing, "BATCH", 2)
    sold = use_much(owner)
    distinct = "SELECT count(DISTINCT value_hash), count(*) FROM usage_distinct"
    counted = read(context, owner, distinct)

    path = f"{V1}/customers/{sold.customer['id']}/erase"
    begun = owner.post(path, json={"confirm": "acct_77"})
    assert (begun.status_code, begun.json()["completed_at"]) == (202, None)
    tomorrow = clock() + timedelta(days=1, seconds=1)
    waiting = count_overdue(context.transactions, now=tomorrow)
    assert count_overdue(context.transactions, now=clock()) == 0
    assert judge_erasures(waiting).state is State.WRONG
    assert retention.forget_all()["erased_events"] == 6, "five batches, and that none is left"

    assert owner.post(path, json={"confirm": "acct_77"}).json()["status"] == "completed"
    assert judge_erasures(count_overdue(context.transactions, now=tomorrow)).state is State.GOOD
    left = "SELECT count(meta_data), count(idempotency_key), count(*) FROM usage_event"
    assert read(context, owner, left) == [(0, 0, 10)]
    assert read(context, owner, "SELECT 1 FROM usage_event_key") == []
    assert read(context, owner, distinct) == counted == [(2, 2)]
    same = """
        SELECT count(*) FROM usage_event AS event JOIN usage_distinct AS counted
        ON counted.value_hash = sha256(convert_to(event.distinct_value, 'UTF8'))
    """
    assert read(context, owner, same) == [(5,)], "roll-ups and events say the same"


def test_an_event_that_was_on_its_way_is_erased_as_well(
    owner: Person, context: AppContext, clock: Clock, retention: Retention
) -> None:
    sold = sell(owner)
    sold.used(1, idempotency_key="before", properties={"note": "Ada"})
    post(owner, f"/customers/{sold.customer['id']}/erase", {"confirm": "acct_77"})
    # As whoever found the customer just before the erasure stores it just after.
    read(
        context,
        owner,
        """
        INSERT INTO usage_event SELECT organization_id, timestamp, gen_random_uuid(), meter_id,
            customer_id, quantity, NULL, '{"note": "Ada"}', 'on its way', arrival_sequence + 1,
            counted, late, paused, ingested_at
        FROM usage_event RETURNING id
        """,
    )
    left = "SELECT count(meta_data), count(idempotency_key), count(*) FROM usage_event"

    assert retention.forget_all()["erased_events"] == 0
    assert read(context, owner, left) == [(1, 1, 2)]
    come_back(owner, clock, hours=1)
    retention.forget_all()

    assert read(context, owner, left) == [(0, 0, 2)]
    come_back(owner, clock, hours=1)
    assert retention.forget_all()["erased_events"] == 0


def test_documents_name_their_buyer_until_the_law_does_not_want_it(
    owner: Person, context: AppContext, clock: Clock, retention: Retention
) -> None:
    customer = post(owner, "/customers", CUSTOMER)
    invoice = write_invoice(owner, customer["id"], description="A", quantity=1, unit_amount=1)
    path = f"/invoices/{invoice['id']}"
    post(owner, f"{path}/finalize", {})
    post(owner, f"{path}/payments", {"amount": 1, "reference": "of Ada"})
    answer = post(owner, f"/customers/{customer['id']}/erase", {"confirm": "a@quay.test"})
    assert answer["documents_kept_until"] == "2037-01-01T00:00:00Z"
    buyers = "SELECT parties->'buyer'->>'name', parties->'seller'->>'name' FROM invoice_parties"

    come_back(owner, clock, days=365 * 10)
    assert retention.forget_all()["erased_documents"] == 0
    assert read(context, owner, buyers) == [("Quay", "Lumen Works")]
    come_back(owner, clock, days=365)
    assert retention.forget_all()["erased_documents"] == 1

    assert read(context, owner, buyers) == [("Erased customer", "Lumen Works")]
    assert read(context, owner, "SELECT reference FROM payment") == [(None,)]
    shown = owner.get(f"{V1}{path}/pdf")
    assert shown.status_code == 200
    assert retention.forget_all()["erased_documents"] == 0


@pytest.mark.usefixtures("owner")
async def test_an_erasure_that_is_left_to_the_job_does_not_wait_for_the_hour(
    context: AppContext,
) -> None:
    loop, ran, hourly = asyncio.get_running_loop(), asyncio.Event(), []

    def go_on(*_asked: object, **_options: object) -> int:
        loop.call_soon_threadsafe(ran.set)
        return 0

    def forget(*asked: object, **_options: object) -> int:
        hourly.append(asked)
        return 0

    kinds = [
        Kind(name="hourly", days=1, forget=forget),
        Kind(name="erased_events", days=0, forget=go_on, told_by=UNFINISHED),
    ]
    retention = Retention(context.transactions, kinds)
    running = asyncio.create_task(retention.run())

    retention.hear("email")
    await asyncio.sleep(0.2)
    assert not ran.is_set()
    retention.hear(UNFINISHED)
    await asyncio.wait_for(ran.wait(), 60)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert hourly == []


def test_what_is_forgotten_is_counted_from_nothing_on(context: AppContext) -> None:
    counters = BillingCounters(context.registry)

    Retention(context.transactions, kinds_of(Periods()), count=counters.count_forgotten)

    shown = {
        sample.labels["kind"]: sample.value
        for metric in context.registry.collect()
        for sample in metric.samples
        if sample.name == "fluxrate_forgotten_rows_total"
    }
    assert shown == {kind.name: 0 for kind in kinds_of(Periods())}


def test_what_keys_sent_is_told_for_a_week(
    owner: Person, context: AppContext, clock: Clock, retention: Retention
) -> None:
    key = {"X-API-Key": owner.make_key("billing.read")}
    owner.get(f"{V1}/plans", headers=key)
    clock.advance(days=6)
    owner.get(f"{V1}/meters", headers=key)
    assert len(owner.get(f"{V1}/requests", headers=key).json()["data"]) == 2

    come_back(owner, clock, days=2)
    assert retention.forget_all()["requests"] >= 1

    told = owner.get(f"{V1}/requests").json()["data"]
    assert {one["path"] for one in told} == {f"{V1}/meters", f"{V1}/requests"}
