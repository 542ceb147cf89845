"""When the first try by a saved method is let pass, or waits."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session, select

from billing.payments import gateways
from billing.payments.kinds import PaymentKind
from models.payments.links import PaymentLink
from repositories.invoicing import invoices as stored_invoices
from runtime.relays.outbound import QuietGateways
from services.payments import recording
from tests.dunning.conftest import FINAL_AT
from tests.dunning.work import Work
from tests.services.shop import NOW


def test_page_that_is_quicker_than_the_first_try_lets_it_pass(work: Work) -> None:
    """The card that was declined there is charged by us only at the first retry."""
    with work.session() as session:
        invoice = stored_invoices.find_invoice(session, work.organization_id, work.invoice_id)
        [link] = session.exec(select(PaymentLink)).all()
        assert invoice is not None
        tried = recording.begin(
            session,
            invoice,
            kind=PaymentKind.LINK,
            amount=link.amount,
            connection_id=link.connection_id,
            at=FINAL_AT,
            now=NOW,
        )
        recording.fail(session, invoice, tried, at=FINAL_AT, now=NOW)

    assert work.live(None)

    assert work.gateway.charges == {}
    assert work.payments() == ["failed"]


def test_charge_waits_where_nothing_leaves_and_is_made_once_it_may(work: Work) -> None:
    class Quiet:
        def gateway_of(self, _session: Session, *keys: UUID) -> gateways.Gateway:
            account = gateways.GatewayAccount(
                organization_id=keys[0],
                connection_id=keys[1],
                provider=gateways.Provider.STRIPE,
                secrets={},
                webhook_url="",
            )
            return QuietGateways().gateway_of(account)

    gateway, work.gateway = work.gateway, Quiet()  # type: ignore[assignment]  # speaks for nobody

    assert not work.live(None)
    assert work.payments() == ["pending"]
    work.gateway = gateway
    assert work.live(None)
    assert work.payments() == ["succeeded"]
