"""A provider is asked within bounds, and whatever is no answer is told apart from a no."""

from __future__ import annotations

import time

import pytest

from billing.errors import Unavailable
from billing.payments.gateways import Provider
from integrations.gateways.client import ProviderAnswer, ProviderClient, Question
from tests.integrations.gateways.double import ProviderDouble, Reply


async def ask(
    double: ProviderDouble, *, within_seconds: float = 5, largest_answer: int = 1000
) -> ProviderAnswer:
    client = ProviderClient(within_seconds=within_seconds, largest_answer=largest_answer)
    try:
        return await client.ask(
            Question(
                provider=Provider.STRIPE,
                method="POST",
                url=f"{double.url}/x",
                headers={"Authorization": "Bearer Canary"},
                body=b"a=1",
            )
        )
    finally:
        await client.aclose()


async def test_a_provider_that_hangs_is_left_in_time(provider: ProviderDouble) -> None:
    provider.on("POST", "/x", Reply(hangs_seconds=30))
    began = time.monotonic()

    with pytest.raises(Unavailable, match=r"no answer in 0\.3 s"):
        await ask(provider, within_seconds=0.3)

    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(is_lost=True), "RemoteProtocolError"),
        (Reply({"id": "x"}, is_cut=True), "RemoteProtocolError"),
        (Reply(floods=True), "too large"),
        (Reply(b"x" * 2000), "too large"),
        (Reply(b"<html>"), "not JSON"),
        (Reply(b'{"a": 1e%s}' % (b"9" * 400)), "not JSON"),
        (Reply(b'["id"]'), "not an object"),
        (Reply({}, 307, {"Location": "http://127.0.0.1:1/elsewhere"}), "answered 307"),
        (Reply({}, 304), "answered 304"),
    ],
)
async def test_half_an_answer_is_none(provider: ProviderDouble, reply: Reply, why: str) -> None:
    provider.on("POST", "/x", reply)

    with pytest.raises(Unavailable, match=why) as nothing:
        await ask(provider)

    assert "Canary" not in str(nothing.value)
    assert len(provider.asked) == 1


async def test_nobody_at_the_address_is_no_answer(provider: ProviderDouble) -> None:
    nowhere = ProviderDouble(url="http://127.0.0.1:1")

    with pytest.raises(Unavailable, match="ConnectError"):
        await ask(nowhere)


@pytest.mark.parametrize("body", [b"", b"<html>", b'"no"', b'{"error":'])
async def test_a_no_is_a_no_in_whatever_words(provider: ProviderDouble, body: bytes) -> None:
    provider.on("POST", "/x", Reply(body, 403))

    answer = await ask(provider)

    assert (answer.status, answer.is_yes, bool(answer.fields)) == (403, False, False)


async def test_cookies_of_one_answer_come_with_no_other_question(
    provider: ProviderDouble,
) -> None:
    provider.on("POST", "/x", Reply({"id": "x"}, headers={"Set-Cookie": "session=1; Path=/"}))
    client = ProviderClient()
    question = Question(
        provider=Provider.RAZORPAY, method="POST", url=f"{provider.url}/x", headers={}
    )

    for _ in range(2):
        await client.ask(question)
    await client.aclose()

    assert ["cookie" in one.headers for one in provider.asked] == [False, False]


async def test_answers_are_asked_for_as_they_are(provider: ProviderDouble) -> None:
    provider.on("POST", "/x", Reply({"id": "x"}))

    answer = await ask(provider)

    assert answer.fields.text("id") == "x"
    [asked] = provider.asked
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["user-agent"] == "Fluxrate/1"
    assert asked.body == b"a=1"
