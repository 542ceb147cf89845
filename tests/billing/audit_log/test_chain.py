"""The chain of the audit log: whatever is changed, its first place and what is wrong are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.audit_log.chain import (
    BEGINNING,
    BrokenLink,
    Fault,
    Head,
    Link,
    describe_entry,
    find_break,
    find_cut,
    find_difference,
    link_entry,
)
from tests.billing.audit_log.chains import Change, chain
from tests.billing.profiles import thorough


def first_break(links: list[Link], kept: list[Head] | None = None) -> BrokenLink | None:
    """What is found by whoever reads the chain from its beginning."""
    head = BEGINNING
    for link in links:
        broken = find_break(link, head, kept or [])
        if broken is not None:
            return broken
        head = Head(position=link.position, digest=link.digest)
    return None


ENTRIES = [Change(id=UUID(int=100 + number)) for number in range(4)]


def test_a_chain_that_nobody_touched_holds() -> None:
    links = chain(*ENTRIES)

    assert first_break(links) is None
    assert [link.position for link in links] == [1, 2, 3, 4]
    assert links[0].previous_digest is None
    assert [link.previous_digest for link in links[1:]] == [link.digest for link in links[:-1]]


@pytest.mark.parametrize(
    "changed",
    [
        {"actor": "user:8"},
        {"action": "plan.deleted"},
        {"object_type": "meter"},
        {"object_id": None},
        {"before": {}},
        {"after": {"name": "Pro", "price": 1}},
        {"after": None},
        {"request_id": None},
        {"at": datetime(2025, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)},
        {"organization_id": UUID(int=2)},
        {"id": UUID(int=999)},
        {"after": {"name": 0.5}},
    ],
    ids=str,
)
def test_a_changed_entry_is_named_by_its_place(changed: dict[str, Any]) -> None:
    links = chain(*ENTRIES)
    assert links[1].entry is not None
    links[1] = replace(links[1], entry=replace(ENTRIES[1], **changed))

    broken = first_break(links)

    assert broken is not None
    assert (broken.fault, broken.position) == (Fault.CONTENT_CHANGED, 2)
    assert broken.entry_id == ENTRIES[1].id


def test_an_entry_that_is_gone_is_named() -> None:
    links = chain(*ENTRIES)
    links[2] = replace(links[2], entry=None)

    broken = first_break(links)

    assert broken is not None
    assert (broken.fault, broken.position, broken.entry_id) == (
        Fault.ENTRY_MISSING,
        3,
        ENTRIES[2].id,
    )


def test_a_place_that_is_gone_is_a_gap() -> None:
    links = chain(*ENTRIES)
    del links[1]

    assert first_break(links) == BrokenLink(
        fault=Fault.GAP,
        position=2,
        entry_id=None,
        detail="Position 2 is gone; 3 follows 1.",
    )


def test_an_entry_that_was_put_in_is_bound_to_something_else() -> None:
    links = chain(*ENTRIES)
    other = chain(Change(id=UUID(int=500)), *ENTRIES[1:])
    links[2] = other[2]

    broken = first_break(links)

    assert broken is not None
    assert (broken.fault, broken.position) == (Fault.PREVIOUS_DIFFERS, 3)


def test_a_history_that_was_written_anew_differs_from_what_somebody_wrote_down() -> None:
    kept = [Head(position=link.position, digest=link.digest) for link in chain(*ENTRIES)]
    rewritten = chain(ENTRIES[0], replace(ENTRIES[1], actor="nobody"), *ENTRIES[2:])

    assert first_break(rewritten) is None
    broken = first_break(rewritten, kept[2:])
    assert broken is not None
    assert (broken.fault, broken.position) == (Fault.HEAD_DIFFERS, 3)


def test_heads_of_other_places_say_nothing_of_one() -> None:
    head = Head(position=2, digest="a")

    assert (
        find_difference(head, [Head(position=1, digest="b"), Head(position=2, digest="a")]) is None
    )
    assert find_difference(head, []) is None


@pytest.mark.parametrize(("last", "cut"), [(5, None), (4, None), (3, 4), (0, 1)])
def test_a_chain_that_ends_before_what_was_written_down_was_cut(last: int, cut: int | None) -> None:
    kept = [Head(position=4, digest="d"), Head(position=2, digest="b")]

    broken = find_cut(Head(position=last, digest="x"), kept)

    assert (broken and (broken.fault, broken.position)) == (cut and (Fault.TAIL_CUT, cut))


def test_without_anything_written_down_no_end_is_too_early() -> None:
    assert find_cut(BEGINNING, []) is None


def test_an_entry_is_described_with_its_place() -> None:
    described = describe_entry(ENTRIES[0], position=1, previous_digest=None)

    assert described == {
        "organization_id": str(UUID(int=1)),
        "position": 1,
        "previous_digest": None,
        "id": str(UUID(int=100)),
        "at": "2025-01-01T00:00:00Z",
        "actor": "user:7",
        "action": "plan.updated",
        "object_type": "plan",
        "object_id": str(UUID(int=9)),
        "before": None,
        "after": {"name": "Pro"},
        "request_id": "r-1",
    }


@pytest.mark.parametrize("value", [0.5, {"a": [1, {"b": 2.5}]}, b"x"])
def test_an_entry_holds_no_fraction_and_no_bytes(value: object) -> None:
    entry = replace(ENTRIES[0], after={"value": value})

    with pytest.raises(TypeError, match=r"No entry holds a (float|bytes)"):
        link_entry(entry, BEGINNING)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@thorough
@given(before=plain, after=plain)
def test_two_contents_have_two_digests(before: object, after: object) -> None:
    one = link_entry(replace(ENTRIES[0], after={"value": before}), BEGINNING)
    other = link_entry(replace(ENTRIES[0], after={"value": after}), BEGINNING)

    # True equals 1 in Python, and is another content.
    assert (one.digest == other.digest) is (repr(before) == repr(after) or _same(before, after))


def _same(one: object, other: object) -> bool:
    """Whether two values are of one content, in whatever order their names come."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other
