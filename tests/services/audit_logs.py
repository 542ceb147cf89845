"""An audit log with entries, how its chain is looked at, and how rows are changed as nobody may."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlmodel import Session

from billing.audit_log.chain import BrokenLink, Head, link_entry
from repositories import audit_links as stored_audit_links
from services.audit_chain import Part, check_part
from services.audit_log import record
from tests.servers import superuser_engine
from tests.services.shop import NOW, Shop

LENGTH = 7


def write(session: Session, organization_id: UUID, number: int) -> None:
    """One entry with something of every kind in it."""
    record(
        session,
        organization_id,
        "thing.changed",
        "thing",
        UUID(int=number),
        now=NOW + timedelta(seconds=number),
        before={"price": Decimal("0.10"), "tags": [None, True, {"ä": 10**30}]},
        after={"price": Decimal("0.20"), "number": number},
    )


def write_log(shop: Shop) -> Shop:
    """Seven entries and more, each of a transaction of its own."""
    for number in range(1, LENGTH + 1):
        with shop.transactions.for_organization(shop.organization_id) as session:
            write(session, shop.organization_id, number)
    return shop


def look(shop: Shop, *, kept: Head | None = None, limit: int = 3) -> Part:
    """The last part of the chain: where it breaks, or ends."""
    after, part = 0, None
    while part is None or not part.is_last:
        part = shop.read(check_part, after=after, limit=limit, kept=kept)
        after = part.through.position
    return part


def break_of(shop: Shop, *, kept: Head | None = None) -> BrokenLink:
    """Where the chain breaks."""
    broken = look(shop, kept=kept).broken
    assert broken is not None
    return broken


def owner_of(database_url: str) -> Engine:
    """The connections of whoever may change anything."""
    return superuser_engine(database_url)


def change(connection: Connection, shop: Shop, statement: str, position: int = 0) -> None:
    """Change rows without the triggers and references that keep people from slips."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    keys = {"organization": shop.organization_id, "position": position}
    done = connection.exec_driver_sql(statement, keys)
    assert done.rowcount > 0, statement
    connection.execute(text("SET LOCAL session_replication_role = origin"))


def tamper(owner: Engine, shop: Shop, *statements: str) -> None:
    """Change rows as nobody may, for good."""
    with owner.begin() as connection:
        for one in statements:
            change(connection, shop, one)


def rebind(owner: Engine, shop: Shop, first: int, last: int) -> None:
    """Bind what stands at these places anew, as somebody would who hides a change."""
    links = shop.read(stored_audit_links.list_links, after=first - 1, limit=last - first + 1)
    head = shop.read(stored_audit_links.find_head, first - 1)
    assert head is not None
    with owner.begin() as connection:
        for link in links:
            assert link.entry is not None
            before, head = head, link_entry(link.entry, head)
            change(
                connection,
                shop,
                "UPDATE audit_link SET"
                f" previous_digest = {_quoted(before.digest)}, digest = {_quoted(head.digest)}"
                " WHERE organization_id = %(organization)s AND position = %(position)s",
                head.position,
            )
            change(
                connection,
                shop,
                f"UPDATE audit_chain SET last_digest = CASE WHEN last_position = {head.position}"
                f" THEN {_quoted(head.digest)} ELSE last_digest END"
                " WHERE organization_id = %(organization)s",
            )


def _quoted(digest: str | None) -> str:
    return "NULL" if digest is None else f"'{digest}'"
