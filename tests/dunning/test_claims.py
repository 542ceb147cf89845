"""What is charged is claimed right before, and no page takes the same money meanwhile."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import col, select

from billing.errors import Rejected, Unavailable
from billing.payments import gateways
from billing.payments.gateways import PaymentRequest
from billing.payments.states import LinkStatus, TaskKind, TaskStatus
from models.payments.links import PaymentLink
from models.payments.tasks import GatewayTask
from models.subscriptions.subscriptions import OutboxMessage
from repositories.invoicing import invoices as stored_invoices
from services.payments import links, receivables, recording
from tests.dunning.gateway import Answer
from tests.dunning.work import Work
from tests.services.shop import NOW

PAGE = "page_1"


@pytest.fixture
def paged(work: Work) -> Work:
    """The invoice has a page that is open."""
    with work.session() as session:
        [link] = session.exec(select(PaymentLink)).all()
        told = gateways.PaymentLink(reference=PAGE, url="https://pay.example/1")
        links.open_link(session, work.organization_id, link.id, told, now=NOW)
    return work


def states(work: Work) -> list[str]:
    """Of the invoice's links, the first one first."""
    with work.session() as session:
        found = session.exec(select(PaymentLink).order_by(col(PaymentLink.sequence))).all()
        return [one.status for one in found]


def request_of(work: Work) -> PaymentRequest:
    """The seven dollars of the invoice."""
    with work.session() as session:
        [link] = session.exec(select(PaymentLink).limit(1)).all()
        return PaymentRequest(
            organization_id=work.organization_id,
            invoice_id=work.invoice_id,
            customer_id=work.customer_id,
            invoice_number="1",
            amount=link.amount,
            currency=link.currency,
            idempotency_key="none",
            customer_name="",
        )


def test_page_ends_before_the_saved_method_is_charged(paged: Work) -> None:
    assert paged.live(None)

    assert paged.gateway.ended == [PAGE]
    assert paged.payments() == ["succeeded"]
    assert states(paged) == [LinkStatus.CLOSED]
    with paged.session() as session:
        kind = col(GatewayTask.kind) == TaskKind.CLOSE_LINK
        [task] = session.exec(select(GatewayTask).where(kind)).all()
        assert (task.status, task.attempts) == (TaskStatus.DONE, 0)


def test_charge_that_fails_is_followed_by_another_page(paged: Work) -> None:
    paged.gateway.answers[:] = [Answer.DECLINED]

    paged.live(None)

    assert paged.payments() == ["failed"]
    assert states(paged) == [LinkStatus.CLOSED, LinkStatus.MAKING]


def test_what_was_paid_on_the_page_meanwhile_is_not_charged(paged: Work) -> None:
    paged.gateway.pay_on_page(PAGE, request_of(paged))

    assert paged.live(None)

    assert paged.gateway.charges == {}
    assert paged.payments() == ["failed", "succeeded"]
    assert states(paged) == [LinkStatus.CLOSED]


def test_money_on_its_way_on_the_page_holds_the_charge_back(paged: Work) -> None:
    paged.gateway.pay_on_page(PAGE, request_of(paged), Answer.PENDING)

    assert not paged.live(None)
    assert paged.gateway.asked == []

    paged.gateway.pay_on_page(PAGE, request_of(paged), Answer.DECLINED)
    assert paged.live(None)
    assert len(paged.gateway.charges) == 1


def test_what_was_left_half_done_on_the_page_holds_nothing_back_for_ever(paged: Work) -> None:
    paged.gateway.pay_on_page(PAGE, request_of(paged), Answer.PENDING)
    assert not paged.live(None)
    paged.now += timedelta(days=7)

    assert paged.live(None)

    assert len(paged.gateway.charges) == 1


@pytest.mark.parametrize(
    ("trouble", "after"),
    [(Rejected("No such page."), timedelta(0)), (Unavailable("Away."), timedelta(hours=1))],
)
def test_page_that_nobody_can_end_holds_nothing_back(
    paged: Work, trouble: Exception, after: timedelta
) -> None:
    paged.gateway.never_ends = trouble
    paged.live((2, "after"))
    paged.now += after

    assert paged.live(None)

    assert paged.payments() == ["succeeded"]


def test_no_page_is_made_while_a_saved_method_is_charged(paged: Work) -> None:
    paged.gateway.answers[:] = [Answer.PENDING]
    paged.live(None)

    with paged.session() as session:
        told = recording.Told(amount=Decimal(3))
        recording.record_by_hand(session, paged.organization_id, paged.invoice_id, told, now=NOW)

    assert states(paged) == [LinkStatus.CLOSED]


def test_charge_that_never_went_out_ends_as_soon_as_it_is_paid_another_way(work: Work) -> None:
    work.live((2, "after"))
    work.pay_by_hand()

    assert work.live(None)

    assert work.payments() == ["failed", "succeeded"]
    assert (work.gateway.asked, work.gateway.looked_up) == ([], [])


@pytest.mark.parametrize("answer", [Answer.PAID, Answer.DECLINED])
def test_charge_that_ends_wakes_nobody_who_is_told_of_it(work: Work, answer: Answer) -> None:
    """A workflow that has ended by it would be begun again."""
    work.gateway.answers[:] = [answer]
    before = wakes(work)

    work.live(None)

    assert work.payments() == ["succeeded" if answer is Answer.PAID else "failed"]
    assert wakes(work) == before


def wakes(work: Work) -> int:
    """How many messages there are to the invoice's workflow."""
    with work.session() as session:
        found = session.exec(select(OutboxMessage)).all()
        return sum("invoice_id" in one.payload for one in found)


def test_charge_that_never_went_out_ends_with_what_was_written_off(work: Work) -> None:
    work.live((2, "after"))
    with work.session() as session:
        invoice = stored_invoices.find_invoice(session, work.organization_id, work.invoice_id)
        assert invoice is not None
        receivables.write_off(session, invoice, at=NOW, now=NOW)

    assert work.live(None)

    assert work.payments() == ["failed"]
    assert work.gateway.asked == []


def test_key_that_was_rolled_is_no_failed_try_for_two_days(work: Work) -> None:
    """Else whoever rolls a key duns all customers, and cancels those who would have paid."""
    work.gateway.answers[:] = [Answer.NO_KEY]

    assert not work.live(None)
    work.now += timedelta(hours=47)
    assert not work.live(None)

    assert work.payments() == ["pending"]
    assert work.gateway.looked_up == []
    work.gateway.answers[:] = [Answer.PAID]
    assert work.live(None)
    assert work.payments() == ["succeeded"]


def test_key_that_nobody_replaces_fails_the_try_in_the_end(work: Work) -> None:
    work.gateway.answers[:] = [Answer.NO_KEY]
    work.live(None)
    work.now += timedelta(days=2)

    assert work.live(None)

    assert work.payments() == ["failed"]


def test_try_that_was_refused_at_the_door_ends_with_what_was_paid_another_way(work: Work) -> None:
    work.gateway.answers[:] = [Answer.NO_KEY]
    work.live(None)
    work.pay_by_hand()

    assert work.live(None)

    assert work.payments() == ["failed", "succeeded"]
