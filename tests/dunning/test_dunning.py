"""What happens by itself to an invoice that nobody pays, on a test clock."""

from __future__ import annotations

import pytest

from tests.dunning.conftest import FEBRUARY, Site
from tests.dunning.gateway import Answer

FIRST, SECOND, THIRD, FOURTH, FIFTH = (f"02-{day:02} 01:00" for day in (1, 2, 4, 6, 8))
"""When the tries of January's invoice are made, with retries on days 1, 3, 5 and 7."""


def test_saved_method_pays_the_invoice_as_it_becomes_final(site: Site) -> None:
    site.advance(FEBRUARY)

    invoice = site.invoice()
    assert (invoice["status"], invoice["amount_due"]) == ("PAID", 0)
    assert site.payments() == [(FIRST, "succeeded")]
    assert len(site.gateway.charges) == 1


def test_second_try_succeeds(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED, Answer.PAID]

    site.advance("2025-02-10T00:00:00Z")

    assert site.invoice()["status"] == "PAID"
    assert site.payments() == [(FIRST, "failed"), (SECOND, "succeeded")]


def test_card_that_is_declined_for_ever_is_tried_no_more_than_planned(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED]

    site.advance("2025-02-27T00:00:00Z")

    assert site.invoice()["status"] == "OPEN"
    assert [at for at, _ in site.payments()] == [FIRST, SECOND, THIRD, FOURTH, FIFTH]
    assert {status for _, status in site.payments()} == {"failed"}
    assert site.status() == "ACTIVE"


@pytest.mark.parametrize(
    ("then", "status", "invoice", "bills"),
    [
        ("none", "PAST_DUE", "OPEN", 3),
        ("pause", "PAUSED", "OPEN", 3),
        ("cancel", "CANCELED", "OPEN", 2),
        ("uncollectible", "ACTIVE", "UNCOLLECTIBLE", 3),
    ],
)
def test_last_try_is_followed_by_what_the_organization_wants(
    site: Site, then: str, status: str, invoice: str, bills: int
) -> None:
    site.gateway.answers[:] = [*[Answer.DECLINED] * 5, Answer.PAID]
    site.account.patch("/organization", {"dunning": {"then": then}})

    site.advance("2025-04-01T02:00:00Z")

    assert site.status() == status
    assert site.invoice()["status"] == invoice
    assert len(site.account.invoices(site.subscription)) == bills


@pytest.mark.parametrize("settled", ["paid", "void", "written off"])
def test_subscription_that_was_paused_for_it_goes_on_once_nothing_is_due(
    site: Site, settled: str
) -> None:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.account.patch("/organization", {"dunning": {"then": "pause"}})
    site.advance("2025-02-20T00:00:00Z")
    assert site.status() == "PAUSED"

    path = f"/invoices/{site.invoice()['id']}"
    if settled == "paid":
        site.account.post(f"{path}/pay")
    else:
        status = {"void": "VOID", "written off": "UNCOLLECTIBLE"}[settled]
        site.account.patch(f"{path}/status", {"status": status})
    site.advance("2025-02-20T00:00:01Z")

    assert site.status() == "ACTIVE"


def test_subscription_that_somebody_paused_stays_so_when_the_money_comes(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.account.patch("/organization", {"dunning": {"then": "pause"}})
    site.advance("2025-02-05T00:00:00Z")
    site.account.post(f"/subscriptions/{site.subscription['id']}/pause")

    site.advance("2025-02-20T00:00:00Z")
    site.account.post(f"/invoices/{site.invoice()['id']}/pay")
    site.advance("2025-02-20T00:00:01Z")

    assert site.status() == "PAUSED"


def test_subscription_that_is_canceled_for_it_bills_nothing_after_that(site: Site) -> None:
    site.gateway.answers[:] = [*[Answer.DECLINED] * 5, Answer.PAID]
    site.account.patch("/organization", {"dunning": {"then": "cancel"}})

    site.advance("2025-12-01T00:00:00Z")

    subscription = site.account.get(f"/subscriptions/{site.subscription['id']}")
    assert subscription["ended_at"] == "2025-02-08T01:00:00Z"
    assert [one["period_end"] for one in site.account.invoices(site.subscription)] == [
        "2025-02-01T00:00:00Z",
        "2025-02-08T01:00:00Z",
    ]


def test_invoice_that_was_paid_by_hand_is_tried_no_more(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.advance("2025-02-03T00:00:00Z")

    site.account.post(f"/invoices/{site.invoice()['id']}/pay")
    site.advance("2025-02-20T00:00:00Z")

    assert [status for _, status in site.payments()] == ["failed", "failed", "succeeded"]
    assert len(site.gateway.asked) == 2


def test_voided_invoice_is_tried_no_more(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.advance("2025-02-03T00:00:00Z")

    site.account.patch(f"/invoices/{site.invoice()['id']}/status", {"status": "VOID"})
    site.advance("2025-02-20T00:00:00Z")

    assert len(site.gateway.asked) == 2


def test_what_was_paid_by_hand_or_credited_is_not_charged(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED, Answer.DECLINED, Answer.PAID]
    site.advance("2025-02-03T00:00:00Z")
    invoice = site.invoice()

    part = {"amount": 10, "method": "bank_transfer", "reference": "T-1"}
    site.account.post(f"/invoices/{invoice['id']}/payments", part)
    line = {"line_id": invoice["line_items"][0]["id"], "amount": 5}
    note = {"reason": "goodwill", "lines": [line]}
    site.account.post(f"/invoices/{invoice['id']}/credit-notes", note)
    site.advance("2025-02-05T00:00:00Z")

    assert site.invoice()["status"] == "PAID"
    assert [one.amount for one in site.gateway.charges.values()][-1] == 15


def test_without_a_connection_nothing_is_charged_any_more_and_the_end_comes(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED]
    site.account.patch("/organization", {"dunning": {"then": "pause"}})
    site.advance("2025-02-03T00:00:00Z")

    site.disconnect()
    site.advance("2025-02-20T00:00:00Z")

    assert len(site.gateway.asked) == 2
    assert site.status() == "PAUSED"


def test_refusal_of_the_gateway_is_a_try_that_failed(site: Site) -> None:
    site.gateway.answers[:] = [Answer.REFUSED, Answer.PAID]

    site.advance("2025-02-10T00:00:00Z")

    assert site.payments() == [(FIRST, "failed"), (SECOND, "succeeded")]


@pytest.mark.parametrize("answer", [Answer.LOST, Answer.NEVER_ARRIVED, Answer.PENDING])
def test_answer_that_never_came_is_looked_up_and_holds_the_clock(
    site: Site, answer: Answer
) -> None:
    site.gateway.answers[:] = [answer, Answer.PAID]

    site.account.post(
        f"/test-clocks/{site.clock['id']}/advance", {"frozen_time": "2025-02-20T00:00:00Z"}
    )
    if answer is Answer.PENDING:
        site.gateway.wait_until_looked_up()
        now = site.account.get(f"/test-clocks/{site.clock['id']}")
        assert now["status"] == "advancing"
        site.gateway.settle_all()
    site.account.wait_for_clock(site.clock)

    assert site.payments() == [(FIRST, "succeeded")]
    assert site.gateway.looked_up != []
    assert len(site.gateway.charges) == 1


def test_customers_are_reminded_before_and_after_the_due_date_while_something_is_due(
    site: Site,
) -> None:
    site.forget_method()
    site.advance("2025-03-05T00:00:00Z")

    # Due on 3 March: reminders on 28 February and 4 March so far.
    assert site.causes() == ["finalized", "reminder", "reminder"]

    site.account.post(f"/invoices/{site.invoice()['id']}/pay")
    site.advance("2025-04-01T00:00:00Z")
    assert site.causes() == ["finalized", "reminder", "reminder"]


def test_who_wants_no_mails_sends_no_reminders(site: Site) -> None:
    site.forget_method()
    site.account.patch("/organization", {"auto_email": False})

    site.advance("2025-03-20T00:00:00Z")

    assert site.causes() == []
