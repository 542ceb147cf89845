"""Whether the audit log is what was written: its chain, looked at part by part.

The rules are those of :mod:`billing.audit_log.chain`; here they meet the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.audit_log.chain import (
    BEGINNING,
    BrokenLink,
    Fault,
    Head,
    find_break,
    find_cut,
    find_difference,
)
from repositories import audit_links as stored_audit_links
from repositories.audit_links import ChainEnd
from repositories.transactions import Transactions

PART: Final = 5_000
"""How many links are looked at in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some links of a chain that were looked at, and the first thing that is wrong with them.

    ``through`` is the last place up to which all holds; ``is_last`` says that the chain ends there.
    """

    checked: int
    through: Head
    broken: BrokenLink | None
    is_last: bool
    end: ChainEnd


def check_part(
    session: Session,
    organization_id: UUID,
    *,
    after: int = 0,
    limit: int = PART,
    kept: Head | None = None,
) -> Part:
    """Look at the links behind a position, and at the end of the chain if they reach it.

    ``kept`` is a head that the caller wrote down earlier: without one nobody can tell a history
    that somebody with all rights over the database has written anew.
    """
    # The end first: whatever it knows must be found by the statements behind this one.
    end = stored_audit_links.find_end(session, organization_id)
    known = [end.head, *([] if kept is None else [kept])]
    through = stored_audit_links.find_head(session, organization_id, after)
    if through is None:
        broken = find_cut(BEGINNING, known) if end.head.position < after else _missing(after)
        return Part(checked=0, through=BEGINNING, broken=broken, is_last=True, end=end)
    broken = find_difference(through, known)
    checked = 0
    links = stored_audit_links.list_links(session, organization_id, after=after, limit=limit)
    for link in links:
        broken = broken or find_break(link, through, known)
        if broken is not None:
            break
        checked += 1
        through = Head(position=link.position, digest=link.digest)
    is_last = broken is not None or len(links) < limit
    if broken is None and is_last:
        broken = find_cut(through, known) or _find_outside(session, organization_id, through)
    return Part(checked=checked, through=through, broken=broken, is_last=is_last, end=end)


def walk_chain(
    transactions: Transactions, organization_id: UUID, kept: Head | None = None
) -> Iterator[Part]:
    """The whole chain, part by part, each in a transaction of its own; the last one is its end."""
    after = 0
    while True:
        with transactions.for_organization(organization_id) as session:
            part = check_part(session, organization_id, after=after, kept=kept)
        yield part
        if part.is_last:
            return
        after = part.through.position


def _find_outside(session: Session, organization_id: UUID, last: Head) -> BrokenLink | None:
    """Links behind the end of the chain, and entries that have no place in it."""
    end = stored_audit_links.find_end(session, organization_id).head
    if end.position < last.position:
        return BrokenLink(
            fault=Fault.HEAD_DIFFERS,
            position=end.position + 1,
            entry_id=None,
            detail=f"The chain ends at {end.position}, and links stand behind it.",
        )
    for entry_id in stored_audit_links.list_unlinked(session, organization_id, limit=1):
        return BrokenLink(
            fault=Fault.UNLINKED,
            position=None,
            entry_id=entry_id,
            detail="The entry has no place in the chain.",
        )
    return None


def _missing(position: int) -> BrokenLink:
    detail = f"Position {position} is gone."
    return BrokenLink(fault=Fault.GAP, position=position, entry_id=None, detail=detail)
