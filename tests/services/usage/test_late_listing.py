"""Late events, and the one of a key, are found by an index, however many events there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from repositories.usage.events import EventSelection, list_events
from tests.services.shop import Shop
from tests.services.usage.windows import add_customer
from tests.services.usage_facts import Fact, store_events

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def plan_of_listing(session: Session, shop: Shop, selection: EventSelection) -> str:
    """How the database would list the events selected."""
    seen: list[tuple[str, Any]] = []
    connection = session.connection()

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    list_events(session, shop.organization_id, selection, after=None, offset=0, limit=20)
    event.remove(connection, "before_cursor_execute", note)
    [(statement, parameters)] = seen
    rows = connection.exec_driver_sql("EXPLAIN " + statement, parameters)
    return "\n".join(row[0] for row in rows)


def test_late_events_are_read_newest_first_from_their_index(shop: Shop) -> None:
    meter = shop.add_meter()
    facts = [
        Fact(at=MARCH + timedelta(minutes=number), late=number % 100 == 0) for number in range(2000)
    ]
    store_events(shop, add_customer(shop), meter.id, facts)

    with shop.transactions.for_organization(shop.organization_id) as session:
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = plan_of_listing(session, shop, EventSelection(late=True))
        found = list_events(
            session, shop.organization_id, EventSelection(late=True), after=None, offset=0, limit=5
        )

    assert "Filter: late" not in plan
    assert "Sort" not in plan
    assert [one.timestamp for one in found] == [
        MARCH + timedelta(minutes=number) for number in (1900, 1800, 1700, 1600, 1500)
    ]


def test_event_of_a_key_is_read_by_it_and_no_other_row_is(shop: Shop) -> None:
    meter = shop.add_meter()
    facts = [Fact(at=MARCH + timedelta(days=number % 60)) for number in range(2000)]
    store_events(shop, add_customer(shop), meter.id, facts)
    selection = EventSelection(idempotency_key="run-30")

    with shop.transactions.for_organization(shop.organization_id) as session:
        plan = plan_of_listing(session, shop, selection)

    assert "Index Scan using pk_usage_event_key" in plan
    assert "Seq Scan" not in plan
    # The partition is known once the key was read, and in it the row.
    events = [line for line in plan.splitlines() if "Index Cond" in line and '"timestamp"' in line]
    assert events
    assert all("id = " in line for line in events), plan
