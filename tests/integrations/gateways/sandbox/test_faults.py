"""Every fault of the sandbox gateway: what it does, what it says, and what is true afterwards."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest

from billing.errors import InvalidInput, Rejected, Unavailable
from billing.payments.gateways import (
    GatewayStatus,
    RefundRequest,
)
from integrations.gateways.sandbox.faults import NO_FAULTS, Faults
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.sandbox.ledger.books import Ledger
from runtime.database.engine import create_application_engine
from tests.integrations.gateways.sandbox.conftest import (
    ADDRESS,
    Sandbox,
    charged_under,
    find,
    make_sandbox,
    payment_of,
    read,
    save_method,
    take,
)

ALWAYS = Decimal(1)
HALF = Decimal("0.5")


async def test_nothing_goes_wrong_by_itself(sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(sandbox, NO_FAULTS)

    assert (await gateway.charge(request, method)).status is GatewayStatus.SUCCEEDED
    assert len(take(sandbox)) == 1


async def test_an_answer_lost_before_leaves_nothing_done(sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(sandbox, Faults(lost_before_share=ALWAYS))

    with pytest.raises(Unavailable):
        await gateway.charge(request, method)

    assert await find(sandbox, request) is None
    assert take(sandbox) == []


async def test_an_answer_lost_after_leaves_it_done_once(sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(sandbox, Faults(lost_after_share=ALWAYS))

    for _ in range(3):
        with pytest.raises(Unavailable):
            await gateway.charge(request, method)

    found = await find(sandbox, request)
    assert found is not None
    assert found.status is GatewayStatus.SUCCEEDED
    assert found == await gateway.charge(request, method)
    assert len(take(sandbox)) == 1


async def test_an_answer_is_lost_of_every_verb(file_sandbox: Sandbox) -> None:
    gateway = file_sandbox.gateway
    link = await gateway.create_link(payment_of())
    reference = (await file_sandbox.pay(link.url)).json()["id"]
    refund = RefundRequest(
        payment_reference=reference, amount=Decimal(1), currency="USD", idempotency_key="r"
    )
    await gateway.set_faults(Faults(lost_after_share=ALWAYS))

    for asked in (
        gateway.create_link(payment_of()),
        gateway.find_payment(reference=reference, key=None),
        gateway.list_payments(link.reference),
        gateway.expire_link(link.reference),
        gateway.refund(refund),
        gateway.find_refund(payment_reference=reference, key="r"),
    ):
        with pytest.raises(Unavailable):
            await asked
    await gateway.set_faults(None)
    assert await gateway.find_refund(payment_reference=reference, key="r") is not None


async def test_what_is_done_late_is_not_found_at_first(sandbox: Sandbox) -> None:
    """None is no proof that none will come: the same key, tried again, still charges once."""
    plan = Faults(late_share=ALWAYS, late_seconds=1)
    gateway, request, method = await charged_under(sandbox, plan)

    with pytest.raises(Unavailable):
        await gateway.charge(request, method)
    early = await find(sandbox, request)
    charged = await gateway.charge(request, method)
    await asyncio.sleep(1.2)

    assert early is None
    assert await find(sandbox, request) == charged
    assert len(take(sandbox)) == 1


async def test_what_is_done_late_and_not_tried_again_is_done(sandbox: Sandbox) -> None:
    plan = Faults(late_share=ALWAYS, late_seconds=1)
    gateway, request, method = await charged_under(sandbox, plan)

    with pytest.raises(Unavailable):
        await gateway.charge(request, method)
    await asyncio.sleep(1.5)

    assert await find(sandbox, request) is not None


async def test_an_answer_that_is_too_slow_is_none(sandbox: Sandbox) -> None:
    plan = Faults(slow_share=ALWAYS, slow_seconds=1)
    _, request, method = await charged_under(sandbox, plan)
    hasty = SandboxGateway(sandbox.client, sandbox.account, within_seconds=0.6)

    with pytest.raises(Unavailable):
        await hasty.charge(request, method)
    patient = await sandbox.gateway.charge(request, method)

    assert await find(sandbox, request) == patient


async def test_the_outcome_unknown_loses_the_answer_of_a_charge_once(sandbox: Sandbox) -> None:
    customer_id = uuid4()
    method = await save_method(sandbox, "unknown", customer_id=customer_id)
    request = payment_of(customer_id=customer_id)

    with pytest.raises(Unavailable):
        await sandbox.gateway.charge(request, method)

    assert (await sandbox.gateway.charge(request, method)).status is GatewayStatus.SUCCEEDED


async def test_the_first_payments_of_a_customer_are_declined(sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(sandbox, Faults(declined_first=2))
    statuses = [
        (await gateway.charge(payment_of(customer_id=request.customer_id), method)).status
        for _ in range(4)
    ]

    assert statuses == [*[GatewayStatus.FAILED] * 2, *[GatewayStatus.SUCCEEDED] * 2]


async def test_a_repeat_of_what_was_declined_is_declined_and_not_counted(sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(sandbox, Faults(declined_first=1))
    repeats = [(await gateway.charge(request, method)).status for _ in range(3)]

    assert repeats == [GatewayStatus.FAILED] * 3


@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_pending_ends(sandbox: Sandbox, *, fails: bool) -> None:
    failing = ALWAYS if fails else Decimal(0)
    plan = Faults(pending_share=ALWAYS, pending_seconds=30, pending_fails_share=failing)
    gateway, request, method = await charged_under(sandbox, plan)
    charged = await gateway.charge(request, method)
    sandbox.clock.move(30)

    found = await gateway.find_payment(reference=charged.references[0], key=None)

    assert charged.status is GatewayStatus.PENDING
    assert found is not None
    assert found.status is (GatewayStatus.FAILED if fails else GatewayStatus.SUCCEEDED)
    assert [read(sandbox, one).type for one in take(sandbox)] == [
        "payment.pending",
        f"payment.{found.status}",
    ]


async def test_a_refund_that_fails_gives_nothing_back(sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(sandbox, Faults(refund_fails_share=ALWAYS))
    reference = (await gateway.charge(request, method)).references[0]

    made = await gateway.refund(
        RefundRequest(
            payment_reference=reference, amount=Decimal(1), currency="USD", idempotency_key="r"
        )
    )

    assert (made.status, made.error) == (GatewayStatus.FAILED, "The card takes nothing back.")
    found = await gateway.find_payment(reference=reference, key=None)
    assert found is not None
    assert found.refunded_amount == 0
    assert [read(sandbox, one).type for one in take(sandbox)][1:] == ["refund.failed"]


async def test_a_plan_of_a_customer_holds_for_nobody_else(sandbox: Sandbox) -> None:
    plan = Faults(lost_before_share=ALWAYS)
    gateway, request, method = await charged_under(sandbox, plan, customer_only=True)

    await gateway.create_link(payment_of())
    await sandbox.other_gateway(id=uuid4()).create_link(payment_of())
    with pytest.raises(Unavailable):
        await gateway.charge(request, method)
    await gateway.set_faults(None, customer_id=request.customer_id)
    assert (await gateway.charge(request, method)).status is GatewayStatus.SUCCEEDED


async def test_the_same_seed_does_the_same_wrong_again() -> None:
    one, again, other = Faults(seed=7), Faults(seed=7), Faults(seed=8)
    subjects = range(1000)
    fractions = [[plan.fraction("slow", s) for s in subjects] for plan in (one, again, other)]

    assert fractions[0] == fractions[1] != fractions[2]
    assert 450 < sum(fraction < HALF for fraction in fractions[0]) < 550


async def test_a_share_that_strikes_sometimes_lets_a_repeat_through(file_sandbox: Sandbox) -> None:
    gateway, request, method = await charged_under(
        file_sandbox, Faults(seed=3, lost_before_share=HALF, lost_after_share=HALF)
    )
    for _ in range(40):
        try:
            charged = await gateway.charge(request, method)
        except Unavailable:
            continue
        break

    assert await find(file_sandbox, request) == charged


@pytest.mark.parametrize(
    "changes",
    [
        {"slow_share": Decimal("1.1")},
        {"slow_share": Decimal("-0.1")},
        {"slow_share": Decimal("NaN")},
        {"slow_seconds": -1},
        {"late_seconds": 3601},
        {"declined_first": -1},
    ],
    ids=str,
)
async def test_a_plan_that_cannot_be_names_what_is_wrong(changes: dict[str, Decimal]) -> None:
    with pytest.raises(InvalidInput) as refused:
        Faults(**changes)  # type: ignore[arg-type]  # some are integers
    assert refused.value.field == next(iter(changes))


async def test_a_plan_that_cannot_be_is_refused_over_the_wire(file_sandbox: Sandbox) -> None:
    await file_sandbox.gateway.create_link(payment_of())
    for faults in ({"slow_share": "2"}, {"no_such_share": "1"}, {"slow_share": "much"}):
        answer = await file_sandbox.client.post(
            "/sandbox/v1/faults",
            json={"faults": faults},
            headers={
                "Authorization": f"Bearer {file_sandbox.account.secret}",
                "Sandbox-Account": str(file_sandbox.account.id),
                "Sandbox-Webhook-Url": file_sandbox.account.webhook_url,
            },
        )
        assert answer.status_code == 422
    with pytest.raises(Rejected):
        await file_sandbox.other_gateway(secret="another").set_faults(None)


async def test_a_ledger_that_is_away_leaves_everything_unknown() -> None:
    engine = create_application_engine("postgresql://nobody@127.0.0.1:1/nothing")
    async for sandbox in make_sandbox(Ledger(engine)):
        with pytest.raises(Unavailable):
            await sandbox.gateway.create_link(payment_of())
        page = await sandbox.browser.get(f"{ADDRESS}/sandbox/pay/token")
        assert (page.status_code, "try again" in page.text) == (503, True)
        assert (await sandbox.pay(f"{ADDRESS}/sandbox/pay/token")).status_code == 503
    engine.dispose()
