"""What goes back of a payment at the sandbox gateway, and what is called back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.errors import Rejected
from billing.payments.gateways import GatewayStatus, RefundRequest
from integrations.gateways.sandbox.ledger.refunds import DisputeAsked
from integrations.gateways.sandbox.ledger.tables import DisputeStatus
from tests.integrations.gateways.sandbox.conftest import Sandbox, charge_saved


async def test_never_more_goes_back_than_was_paid(sandbox: Sandbox) -> None:
    charged = await charge_saved(sandbox)
    reference = charged.references[0]

    async def give_back(amount: str, key: str) -> Decimal:
        made = await sandbox.gateway.refund(
            RefundRequest(
                payment_reference=reference,
                amount=Decimal(amount),
                currency="USD",
                idempotency_key=key,
            )
        )
        assert made == await sandbox.gateway.find_refund(payment_reference=reference, key=key)
        assert made.status is GatewayStatus.SUCCEEDED
        return made.amount

    assert await give_back("80.00", "a") == Decimal(80)
    with pytest.raises(Rejected) as refused:
        await give_back("2.46", "b")
    assert refused.value.code == "refund_too_large"
    await give_back("2.45", "c")

    found = await sandbox.gateway.find_payment(reference=reference, key=None)
    assert found is not None
    assert found.refunded_amount == Decimal("82.45")
    assert await sandbox.gateway.find_refund(payment_reference=reference, key="b") is None


async def test_a_failed_payment_gives_nothing_back(sandbox: Sandbox) -> None:
    charged = await charge_saved(sandbox, "failure")

    with pytest.raises(Rejected) as refused:
        await sandbox.gateway.refund(
            RefundRequest(
                payment_reference=charged.references[0],
                amount=Decimal(1),
                currency="USD",
                idempotency_key="r",
            )
        )
    assert refused.value.code == "not_paid"


async def test_a_dispute_is_opened_and_decided_once(sandbox: Sandbox) -> None:
    reference = (await charge_saved(sandbox)).references[0]

    async def say(status: DisputeStatus) -> str:
        asked = DisputeAsked(payment=reference, status=status, reason="fraudulent")
        return (await sandbox.gateway.set_dispute(asked)).id

    with pytest.raises(Rejected):
        await say(DisputeStatus.LOST)
    opened = {await say(DisputeStatus.OPEN), await say(DisputeStatus.OPEN)}
    decided = {await say(DisputeStatus.LOST), await say(DisputeStatus.LOST)}
    with pytest.raises(Rejected):
        await say(DisputeStatus.WON)

    assert opened == decided
    assert len(opened) == 1
