"""Webhooks that come late, twice, out of order, forged, or say the opposite."""

from __future__ import annotations

from decimal import Decimal

from billing.payments.gateways import WebhookRefused
from integrations.gateways.sandbox.faults import Faults
from tests.integrations.gateways.sandbox.conftest import (
    Sandbox,
    arrive,
    charged_under,
    find,
    payment_of,
    read,
    take,
)

ALWAYS = Decimal(1)
HALF = Decimal("0.5")


async def test_webhooks_come_late_twice_and_out_of_order(sandbox: Sandbox) -> None:
    plan = Faults(
        seed=1,
        webhook_delay_share=HALF,
        webhook_delay_seconds=60,
        webhook_repeat_share=HALF,
    )
    gateway, first, method = await charged_under(sandbox, plan)
    asked = [payment_of(customer_id=first.customer_id, idempotency_key=f"k{n}") for n in range(12)]
    for request in asked:
        await gateway.charge(request, method)
        sandbox.clock.move(1)

    told = []
    for _ in range(90):
        told += [read(sandbox, letter) for letter in arrive(sandbox)]
        sandbox.clock.move(1)

    keys = [one.payment.idempotency_key for one in told if one.payment is not None]
    firsts = list(dict.fromkeys(keys))
    assert set(keys) == {one.idempotency_key for one in asked}
    assert len(keys) > len(firsts)
    assert len({one.id for one in told}) == 12
    assert firsts != sorted(firsts, key=lambda key: int(key[1:]) if key else 0)


async def test_a_forged_webhook_comes_besides_and_is_refused(sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(sandbox, Faults(webhook_forge_share=ALWAYS))
    await gateway.charge(request, method)
    letters = take(sandbox)

    verdicts = []
    for letter in letters:
        try:
            verdicts.append(read(sandbox, letter).type)
        except WebhookRefused:
            assert b"payment.succeeded" in letter.body
            verdicts.append("refused")
    assert sorted(verdicts) == ["payment.succeeded", "refused"]


async def test_a_webhook_contradicts_what_the_gateway_says_when_it_is_asked(
    sandbox: Sandbox,
) -> None:
    plan = Faults(webhook_contradict_share=ALWAYS, webhook_delay_seconds=10)
    gateway, request, method = await charged_under(sandbox, plan)
    charged = await gateway.charge(request, method)
    sandbox.clock.move(10)

    told = [read(sandbox, one) for one in take(sandbox)]

    assert [one.type for one in told] == ["payment.succeeded", "payment.failed"]
    assert {one.payment.references for one in told if one.payment} == {charged.references}
    assert await find(sandbox, request) == charged
