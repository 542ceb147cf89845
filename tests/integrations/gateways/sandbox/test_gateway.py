"""The verbs of a gateway, at the sandbox's: on a file and on PostgreSQL."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from billing.errors import Rejected
from billing.payments.gateways import (
    KEY_REFUSED,
    GatewayPayment,
    GatewayStatus,
    PaymentRequest,
    RefundRequest,
    SavedMethod,
)
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.sandbox.ledger.tables import Outcome, payment, refund
from tests.integrations.gateways.sandbox.conftest import (
    ADDRESS,
    START,
    Sandbox,
    charge_saved,
    payment_of,
    save_method,
)


async def test_a_link_leads_to_a_page_of_its_own(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())

    assert link.url.startswith(f"{ADDRESS}/sandbox/pay/")
    assert link.reference not in link.url
    assert await sandbox.gateway.list_payments(link.reference) == []


async def test_what_is_paid_on_a_page_is_listed(sandbox: Sandbox) -> None:
    request = payment_of()
    link = await sandbox.gateway.create_link(request)

    answers = [await sandbox.pay(link.url, "failure"), await sandbox.pay(link.url)]

    assert [one.status_code for one in answers] == [200, 200]
    failed, paid = await sandbox.gateway.list_payments(link.reference)
    assert (failed.status, failed.error_code) == (GatewayStatus.FAILED, "insufficient_funds")
    assert failed.saved_method == paid.saved_method
    assert paid == GatewayPayment(
        references=(answers[1].json()["id"],),
        status=GatewayStatus.SUCCEEDED,
        amount=Decimal("82.45"),
        currency="USD",
        at=START,
        organization_id=request.organization_id,
        invoice_id=request.invoice_id,
        customer_id=request.customer_id,
        method="card",
        saved_method=paid.saved_method,
    )
    assert paid.saved_method is not None
    assert await sandbox.gateway.find_payment(reference=paid.references[0], key=None) == paid


@pytest.mark.parametrize(
    ("outcome", "status", "error_code", "is_final"),
    [
        (Outcome.SUCCESS, GatewayStatus.SUCCEEDED, None, False),
        (Outcome.FAILURE, GatewayStatus.FAILED, "insufficient_funds", False),
        (Outcome.DECLINED_FOR_GOOD, GatewayStatus.FAILED, "stolen_card", True),
        (Outcome.PENDING, GatewayStatus.PENDING, None, False),
    ],
)
async def test_a_charge_ends_like_what_was_last_done_on_the_page(
    sandbox: Sandbox, outcome: Outcome, status: GatewayStatus, error_code: str, is_final: bool
) -> None:
    charged = await charge_saved(sandbox, outcome)

    assert (charged.status, charged.error_code) == (status, error_code)
    assert charged.is_declined_for_good is is_final


async def test_what_is_pending_succeeds_a_while_later(sandbox: Sandbox) -> None:
    charged = await charge_saved(sandbox, "pending")
    reference = charged.references[0]

    sandbox.clock.move(4)
    early = await sandbox.gateway.find_payment(reference=reference, key=None)
    sandbox.clock.move(1)
    late = await sandbox.gateway.find_payment(reference=reference, key=None)

    assert early is not None
    assert early.status is GatewayStatus.PENDING
    assert late is not None
    assert (late.status, late.at) == (GatewayStatus.SUCCEEDED, sandbox.clock.at)


async def test_a_method_of_nobody_or_of_somebody_else_is_refused(sandbox: Sandbox) -> None:
    method = await save_method(sandbox)
    unknown = SavedMethod(customer_reference="cus_1", method_reference="pm_1", label="")

    for given in (method, unknown):
        with pytest.raises(Rejected):
            await sandbox.gateway.charge(payment_of(), given)


async def test_the_same_key_gives_the_same_page_and_charges_once(sandbox: Sandbox) -> None:
    customer_id = uuid4()
    method = await save_method(sandbox, customer_id=customer_id)
    request = payment_of(customer_id=customer_id)
    linked = payment_of()

    links = {(await sandbox.gateway.create_link(linked)).reference for _ in range(3)}
    charged = [await sandbox.gateway.charge(request, method) for _ in range(3)]

    assert len(links) == 1
    assert charged[0] == charged[1] == charged[2]
    found = await sandbox.gateway.find_payment(reference=None, key=request.idempotency_key)
    assert found == charged[0]


async def test_a_key_that_was_used_for_something_else_is_refused(sandbox: Sandbox) -> None:
    request = payment_of()
    await sandbox.gateway.create_link(request)

    with pytest.raises(Rejected) as refused:
        await sandbox.gateway.create_link(
            payment_of(idempotency_key=request.idempotency_key, amount=Decimal("82.46"))
        )
    assert refused.value.code == "key_reused"


async def test_eight_at_once_with_one_key_have_one_effect(sandbox: Sandbox) -> None:
    customer_id = uuid4()
    method = await save_method(sandbox, customer_id=customer_id)
    request = payment_of(customer_id=customer_id)

    charged = await asyncio.gather(*(sandbox.gateway.charge(request, method) for _ in range(8)))
    refunds = RefundRequest(
        payment_reference=charged[0].references[0],
        amount=Decimal(5),
        currency="USD",
        idempotency_key="refund",
    )
    refunded = await asyncio.gather(*(sandbox.gateway.refund(refunds) for _ in range(8)))
    linked = await asyncio.gather(
        *(sandbox.gateway.create_link(payment_of_key("link")) for _ in range(8))
    )

    assert len({one.references for one in charged}) == 1
    assert len({one.reference for one in refunded}) == 1
    assert len({one.reference for one in linked}) == 1
    with sandbox.ledger.engine.connect() as connection:
        is_its = payment.c.key == request.idempotency_key
        assert connection.scalar(select(func.count()).where(is_its)) == 1
        assert connection.scalar(select(func.count()).select_from(refund)) == 1


def payment_of_key(key: str) -> PaymentRequest:
    """The same request each time."""
    one = UUID(int=1)
    return payment_of(organization_id=one, invoice_id=one, customer_id=one, idempotency_key=key)


async def test_eight_tabs_pay_a_link_once(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())

    answers = await asyncio.gather(*(sandbox.pay(link.url) for _ in range(8)))

    assert sorted(one.status_code for one in answers) == [200, *[409] * 7]
    assert {one.json().get("code") for one in answers} == {None, "link_paid"}
    [paid] = await sandbox.gateway.list_payments(link.reference)
    assert paid.status is GatewayStatus.SUCCEEDED


async def test_paid_link_that_was_closed_afterwards_says_that_it_is_paid(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    await sandbox.pay(link.url)
    await sandbox.gateway.expire_link(link.reference)

    answer = await sandbox.pay(link.url)

    assert (answer.status_code, answer.json()["code"]) == (409, "link_paid")


async def test_nothing_is_paid_on_a_link_that_expired(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    for _ in range(2):
        await sandbox.gateway.expire_link(link.reference)

    answer = await sandbox.pay(link.url)

    assert (answer.status_code, answer.json()["code"]) == (409, "link_expired")
    assert await sandbox.gateway.list_payments(link.reference) == []


async def test_what_nobody_knows_is_none(sandbox: Sandbox) -> None:
    assert await sandbox.gateway.find_payment(reference="pay_1", key=None) is None
    assert await sandbox.gateway.find_payment(reference=None, key="nothing") is None
    assert await sandbox.gateway.find_refund(payment_reference="pay_1", key="x") is None
    for reference in ("link_1", "a\0b", "a/b", "..", "?", "", "ñ"):
        with pytest.raises(Rejected):
            await sandbox.gateway.list_payments(reference)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("82.455", "USD"), ("1.5", "JPY"), ("0", "USD"), ("-1", "USD"), ("1", "XXX")],
)
async def test_amounts_that_cannot_be_paid_are_refused(
    file_sandbox: Sandbox, amount: str, currency: str
) -> None:
    with pytest.raises(Rejected):
        await file_sandbox.gateway.create_link(
            payment_of(amount=Decimal(amount), currency=currency)
        )


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("82", "JPY", 82), ("1.234", "KWD", 1234)]
)
async def test_amounts_are_in_the_minor_unit_of_their_currency(
    file_sandbox: Sandbox, amount: str, currency: str, minor: int
) -> None:
    link = await file_sandbox.gateway.create_link(
        payment_of(amount=Decimal(amount), currency=currency)
    )

    assert (await file_sandbox.pay(link.url)).json()["amount_minor"] == minor
    [paid] = await file_sandbox.gateway.list_payments(link.reference)
    assert paid.amount == Decimal(amount)


async def test_an_account_opens_by_its_first_request_and_keeps_its_key(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    stranger = sandbox.other_gateway(secret=f"sandbox_{uuid4()}")
    other: SandboxGateway = sandbox.other_gateway(id=uuid4())

    with pytest.raises(Rejected) as refused:
        await stranger.list_payments(link.reference)
    assert refused.value.code == KEY_REFUSED
    with pytest.raises(Rejected) as hidden:
        await other.list_payments(link.reference)
    assert hidden.value.code == "not_found"
