"""Late events of all customers are found by an index, however many events there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from repositories.usage.events import EventSelection, list_events
from tests.services.shop import Shop
from tests.services.usage.test_aggregates import add_customer
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
