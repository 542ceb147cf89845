"""Whatever is changed in the audit log behind our back is found, and its first place is named."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session

from billing.audit_log.chain import Fault
from repositories import audit_links as stored_audit_links
from services.audit_chain import check_part, walk_chain
from tests.services.audit_logs import (
    LENGTH,
    break_of,
    change,
    look,
    owner_of,
    rebind,
    tamper,
    write,
    write_log,
)
from tests.services.shop import Shop


@pytest.fixture
def log(shop: Shop) -> Shop:
    """An organization with entries."""
    return write_log(shop)


@pytest.fixture(scope="module")
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever may change anything."""
    engine = owner_of(module_database_url)
    yield engine
    engine.dispose()


OF = "organization_id = %(organization)s"
AT_5 = (
    "id = (SELECT entry_id FROM audit_link WHERE organization_id = %(organization)s"
    " AND position = 5)"
)
ENTRY_5 = f"UPDATE audit_entry SET {{}} WHERE {OF} AND {AT_5}"
ENTRY_4 = ENTRY_5.replace("position = 5", "position = 4").format("actor = 'nobody'")
LINK_5 = f"UPDATE audit_link SET {{}} WHERE {OF} AND position = 5"

TAMPERINGS = {
    "actor": (ENTRY_5.format("actor = 'user:somebody'"), Fault.CONTENT_CHANGED, 5),
    "instant": (ENTRY_5.format("at = at + interval '1 microsecond'"), Fault.CONTENT_CHANGED, 5),
    "action": (ENTRY_5.format("action = 'thing.looked_at'"), Fault.CONTENT_CHANGED, 5),
    "kind": (ENTRY_5.format("object_type = 'plan'"), Fault.CONTENT_CHANGED, 5),
    "thing": (ENTRY_5.format("object_id = NULL"), Fault.CONTENT_CHANGED, 5),
    "request": (ENTRY_5.format("request_id = 'another'"), Fault.CONTENT_CHANGED, 5),
    "before": (ENTRY_5.format("before = NULL"), Fault.CONTENT_CHANGED, 5),
    "text for a number": (
        ENTRY_5.format('after = after || \'{"number": "4"}\''),
        Fault.CONTENT_CHANGED,
        5,
    ),
    "fraction for its text": (
        ENTRY_5.format("after = after || '{\"price\": 0.20}'"),
        Fault.CONTENT_CHANGED,
        5,
    ),
    "no object": (ENTRY_5.format("after = '[1]'"), Fault.CONTENT_CHANGED, 5),
    "entry is gone": (f"DELETE FROM audit_entry WHERE {OF} AND {AT_5}", Fault.ENTRY_MISSING, 5),
    "link is gone": (f"DELETE FROM audit_link WHERE {OF} AND position = 5", Fault.GAP, 5),
    "first links are gone": (f"DELETE FROM audit_link WHERE {OF} AND position < 3", Fault.GAP, 1),
    "link is moved": (LINK_5.format("position = 50"), Fault.GAP, 5),
    "digest": (LINK_5.format("digest = repeat('0', 64)"), Fault.CONTENT_CHANGED, 5),
    "previous digest": (
        LINK_5.format("previous_digest = repeat('0', 64)"),
        Fault.CONTENT_CHANGED,
        5,
    ),
    "newest link is gone": (
        (
            f"DELETE FROM audit_link WHERE {OF}"
            f" AND position = (SELECT max(position) FROM audit_link WHERE {OF})"
        ),
        Fault.TAIL_CUT,
        None,
    ),
    "end is before its time": (
        (
            "UPDATE audit_chain SET last_position = 3, last_digest = (SELECT digest FROM audit_link"
            f" WHERE {OF} AND position = 3) WHERE {OF}"
        ),
        Fault.HEAD_DIFFERS,
        4,
    ),
    "end is gone": (f"DELETE FROM audit_chain WHERE {OF}", Fault.HEAD_DIFFERS, 1),
    "end is another": (
        f"UPDATE audit_chain SET last_digest = repeat('0', 64) WHERE {OF}",
        Fault.HEAD_DIFFERS,
        None,
    ),
    "entry is put in": (
        (
            "INSERT INTO audit_entry (organization_id, id, at, actor, action, object_type) VALUES"
            " (%(organization)s, gen_random_uuid(), now(), 'user:me', 'plan.created', 'plan')"
        ),
        Fault.UNLINKED,
        None,
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_the_first_broken_link_is_named(
    log: Shop, owner: Engine, name: str
) -> None:
    statement, fault, position = TAMPERINGS[name]
    end = look(log).end.head.position

    tamper(owner, log, statement)

    broken = break_of(log)
    assert broken.fault is fault
    if fault is Fault.UNLINKED:
        assert broken.position is None
        assert broken.entry_id is not None
    else:
        assert broken.position == (position or end)


def test_link_that_fits_to_another_one_before_it_is_found(log: Shop, owner: Engine) -> None:
    """What stands at 4 is bound anew after it was changed, and 5 still names what it was."""
    tamper(owner, log, ENTRY_4)
    rebind(owner, log, 4, 4)

    broken = break_of(log)

    assert (broken.fault, broken.position) == (Fault.PREVIOUS_DIFFERS, 5)
    assert broken.entry_id == entry_at(log, 5)


def test_history_that_is_written_anew_differs_from_the_head_that_was_kept(
    log: Shop, owner: Engine
) -> None:
    kept = log.read(stored_audit_links.find_head, 6)
    end = look(log).end.head.position
    tamper(owner, log, ENTRY_4)
    rebind(owner, log, 4, end)
    assert look(log).broken is None  # as nobody could tell without the head

    broken = break_of(log, kept=kept)

    assert (broken.fault, broken.position) == (Fault.HEAD_DIFFERS, 6)


def test_tail_that_is_cut_with_the_end_is_missing_to_whoever_kept_the_head(
    log: Shop, owner: Engine
) -> None:
    kept = look(log).end.head
    cut = f"> {kept.position - 2}"
    tamper(
        owner,
        log,
        f"DELETE FROM audit_entry WHERE {OF} AND id IN (SELECT entry_id FROM audit_link"
        f" WHERE {OF} AND position {cut})",
        f"DELETE FROM audit_link WHERE {OF} AND position {cut}",
        f"UPDATE audit_chain SET last_position = {kept.position - 2}, last_digest = (SELECT digest"
        f" FROM audit_link WHERE {OF} AND position = {kept.position - 2}) WHERE {OF}",
    )
    assert look(log).broken is None

    broken = break_of(log, kept=kept)

    assert (broken.fault, broken.position) == (Fault.TAIL_CUT, kept.position - 1)


def test_head_that_was_kept_holds_while_the_chain_goes_on(log: Shop) -> None:
    kept = look(log).end.head
    with log.transactions.for_organization(log.organization_id) as session:
        write(session, log.organization_id, 8)

    assert look(log, kept=kept).broken is None
    assert list(walk_chain(log.transactions, log.organization_id, kept))[-1].broken is None


COLUMNS = {
    "audit_entry": {
        "actor": "actor || 'x'",
        "action": "'x'",
        "object_type": "'x'",
        "object_id": "gen_random_uuid()",
        "before": "coalesce(before, '{}') || '{\"x\": 1}'",
        "after": "coalesce(after, '{}') || '{\"x\": null}'",
        "request_id": "coalesce(request_id, '') || 'x'",
        "at": "at - interval '1 second'",
    },
    "audit_link": {
        "digest": "md5(digest)",
        "previous_digest": "md5(previous_digest)",
        "position": "position + 1000",
        "entry_id": "gen_random_uuid()",
    },
}
CHANGES = [(table, column) for table, columns in COLUMNS.items() for column in columns]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.sampled_from(CHANGES), position=st.integers(2, LENGTH), is_removed=st.booleans())
def test_whatever_is_changed_or_removed_anywhere_is_found_there(
    log: Shop, owner: Engine, place: tuple[str, str], position: int, is_removed: bool
) -> None:
    table, column = place
    where = "organization_id = %(organization)s AND position = %(position)s"
    if table == "audit_entry":
        bound = f"SELECT entry_id FROM audit_link WHERE {where}"
        where = f"organization_id = %(organization)s AND id = ({bound})"
    removal = f"DELETE FROM {table} WHERE {where}"
    update = f"UPDATE {table} SET {column} = {COLUMNS[table][column]} WHERE {where}"
    with owner.connect() as connection:
        change(connection, log, removal if is_removed else update, position)
        with Session(bind=connection) as session:
            part = check_part(session, log.organization_id)
            assert part.broken is not None
            assert part.broken.position == position
        connection.rollback()


def entry_at(shop: Shop, position: int) -> UUID:
    """The entry at a place of the chain."""
    [link] = shop.read(stored_audit_links.list_links, after=position - 1, limit=1)
    return link.entry_id
