"""Forged and stale webhooks of each provider over HTTP: every one is refused, none is an error.

Source: CONTRACT 29; the adapters see the same in ``tests/integrations/gateways``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

import pytest

from tests.api.gateways.house import V1, House
from tests.integrations.gateways.forged import (
    RAZORPAY_BODY,
    STRIPE_BODY,
    razorpay_corpus,
    stripe_corpus,
)
from tests.integrations.gateways.shapes import NOW, RAZORPAY_SECRETS, STRIPE_SECRETS, shape
from tests.integrations.gateways.signing import (
    Webhook,
    razorpay_signed,
    stripe_event,
    stripe_signed,
)

Corpus = Callable[[], Iterator[tuple[str, Webhook]]]
SUCCEEDED = "payment_intent.succeeded"
ANSWERED_WITHIN_SECONDS = 0.1


def connect(house: House, provider: str, secrets: dict[str, str]) -> str:
    """Where the provider's webhooks go to, on the day that they are of."""
    house.clock.instant = NOW
    house.later()
    body = {"provider": provider, "name": provider, **secrets}
    made = house.owner.post(f"{V1}/connections", json=body)
    assert made.status_code == 201, made.text
    return "/api/v1" + str(made.json()["webhook_url"]).split("/api/v1")[1]


def can_be_sent(webhook: Webhook) -> bool:
    """Whether a client gets its headers onto the wire at all, and as they are."""
    names = [name.lower() for name in webhook.headers]
    return len(set(names)) == len(names) and all(
        value.isascii() and value.isprintable() for value in webhook.headers.values()
    )


@pytest.mark.parametrize(
    ("provider", "secrets", "corpus", "right"),
    [
        ("stripe", STRIPE_SECRETS, stripe_corpus, stripe_signed(STRIPE_BODY)),
        ("razorpay", RAZORPAY_SECRETS, razorpay_corpus, razorpay_signed(RAZORPAY_BODY)),
    ],
    ids=["stripe", "razorpay"],
)
def test_what_is_forged_or_stale_is_refused_and_never_a_5xx(
    house: House, provider: str, secrets: dict[str, str], corpus: Corpus, right: Webhook
) -> None:
    path = connect(house, provider, secrets)
    answers: dict[str, int] = {}
    for name, webhook in corpus():
        if can_be_sent(webhook):
            house.clock.instant = webhook.now
            answers[name] = house.post_webhook(webhook.body, webhook.headers, path).status_code

    assert len(answers) >= 40
    too_large = {name for name in answers if "huge" in name}
    assert {name: answers[name] for name in answers if answers[name] != 400} == dict.fromkeys(
        too_large, 413
    )
    house.clock.instant = NOW
    assert house.events() == []
    assert house.post_webhook(right.body, right.headers, path).status_code == 200


def test_webhook_is_answered_within_a_tenth_of_a_second(house: House) -> None:
    """Stored, with a task to work on it; whatever the gateway says to that comes later."""
    path = connect(house, "stripe", STRIPE_SECRETS)
    took = []
    for number in range(21):
        told = shape("stripe/payment_intent", id=f"pi_{number}")
        webhook = stripe_signed(stripe_event(SUCCEEDED, told, id=f"evt_{number}"))
        begun = time.perf_counter()
        answer = house.post_webhook(webhook.body, webhook.headers, path)
        took.append(time.perf_counter() - begun)
        assert answer.status_code == 200

    assert median(took) < ANSWERED_WITHIN_SECONDS
