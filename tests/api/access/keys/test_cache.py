"""Many requests with the same API key ask the database once."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from api.access.key_cache import KeyCache
from api.access.principal import Principal
from billing.errors import Unauthenticated


class Directory:
    """Answers after everybody has had the time to ask."""

    def __init__(self, error: Exception | None = None) -> None:
        self.principal = Principal(organization_id=uuid4(), api_key_id=uuid4())
        self.error = error
        self.questions = 0

    async def ask(self) -> Principal:
        self.questions += 1
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        return self.principal


async def test_requests_with_one_key_ask_once() -> None:
    keys, directory = KeyCache(), Directory()

    answers = await asyncio.gather(*(keys.ask_once("hash", directory.ask) for _ in range(128)))

    assert answers == [directory.principal] * 128
    assert directory.questions == 1


async def test_bad_key_is_bad_for_all_who_asked() -> None:
    keys, directory = KeyCache(), Directory(Unauthenticated("The API key is not valid."))

    answers = await asyncio.gather(
        *(keys.ask_once("hash", directory.ask) for _ in range(5)), return_exceptions=True
    )

    assert all(isinstance(one, Unauthenticated) for one in answers)
    assert directory.questions == 1
    with pytest.raises(Unauthenticated):
        await keys.ask_once("hash", directory.ask)
    assert directory.questions == 2


async def test_whoever_comes_after_a_revocation_asks_anew() -> None:
    keys, directory = KeyCache(), Directory()
    before = asyncio.ensure_future(keys.ask_once("hash", directory.ask))
    await asyncio.sleep(0)

    keys.forget(uuid4())
    await asyncio.gather(before, keys.ask_once("hash", directory.ask))

    assert directory.questions == 2


async def test_caller_who_leaves_takes_nobody_along() -> None:
    keys, directory = KeyCache(), Directory()
    leaving = asyncio.ensure_future(keys.ask_once("hash", directory.ask))
    staying = asyncio.ensure_future(keys.ask_once("hash", directory.ask))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == directory.principal
    assert leaving.cancelled()


def test_session_and_person_are_forgotten_as_keys_are() -> None:
    keys, session_id, user_id = KeyCache(), uuid4(), uuid4()
    principal = Principal(organization_id=uuid4(), user_id=user_id, session_id=session_id)
    for forgotten in (session_id, user_id):
        keys.put("hash", principal, revocations=keys.revocations)
        keys.forget(uuid4())
        assert keys.find("hash") is principal

        keys.forget(forgotten)

        assert keys.find("hash") is None
