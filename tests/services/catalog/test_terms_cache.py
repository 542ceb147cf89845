"""Terms that a process keeps: bounded, and never taken from whoever is reading them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from billing.errors import InvariantBroken
from billing.invoicing.receipts import to_document
from billing.rating.terms import PlanTerms
from services.catalog.terms_cache import TermsCache, VersionKey
from tests.billing.builders import fixed_charge, plan

ORGANIZATION = UUID(int=1)


def version(number: int) -> VersionKey:
    return (ORGANIZATION, UUID(int=2), number)


class Database:
    """Versions to read, one task after the other; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[VersionKey]] = []

    async def read(self, keys: Sequence[VersionKey]) -> dict[VersionKey, object]:
        self.asked.append(list(keys))
        await asyncio.sleep(0)
        return {key: to_document(plan(fixed_charge())) for key in keys if key[2] > 0}


def test_version_is_read_once() -> None:
    database, known = Database(), TermsCache()

    async def find_twice() -> list[dict[VersionKey, PlanTerms]]:
        wanted = [version(1), version(1)]
        return [await known.find(wanted, database.read) for _ in range(2)]

    first, second = asyncio.run(find_twice())

    assert first == second == {version(1): plan(fixed_charge())}
    assert database.asked == [[version(1)]]


def test_what_others_read_meanwhile_takes_no_version_away() -> None:
    database, known = Database(), TermsCache(most=3)

    async def ask_at_once() -> list[dict[VersionKey, PlanTerms]]:
        await known.find([version(1)], database.read)
        return await asyncio.gather(
            *(known.find([version(1), version(number)], database.read) for number in range(2, 40))
        )

    answers = asyncio.run(ask_at_once())

    assert [set(one) for one in answers] == [{version(1), version(n)} for n in range(2, 40)]
    assert len(known) == 3


def test_one_answer_may_hold_more_versions_than_are_kept() -> None:
    database, known = Database(), TermsCache(most=3)

    found = asyncio.run(known.find(map(version, range(1, 11)), database.read))

    assert set(found) == {version(number) for number in range(1, 11)}
    assert len(known) == 3


def test_version_that_does_not_exist_breaks_an_invariant() -> None:
    database, known = Database(), TermsCache()

    with pytest.raises(InvariantBroken, match="has no version 0"):
        asyncio.run(known.find([version(1), version(0)], database.read))
