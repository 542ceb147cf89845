"""Void and deleted invoices set free what they had settled, and periods are billed again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.scenarios.account import Account, Refused
from tests.scenarios.seller import Seller, late_lines


@pytest.fixture
def seller(account: Account) -> Seller:
    return Seller(account)


def test_void_sets_free_what_the_invoice_had_settled(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(50, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    [_, february] = account.invoices(subscription)
    assert late_lines(february) == [Decimal("0.50")]

    seller.void(february)
    verified = account.post(f"/invoices/{account.invoices(subscription)[0]['id']}/verify")
    assert (verified["result"], verified["pending_late_usage"]) == ("equal", True)
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert late_lines(march) == [Decimal("0.50")]
    verified = account.post(f"/invoices/{account.invoices(subscription)[0]['id']}/verify")
    assert verified["pending_late_usage"] is False


def test_void_that_settles_nothing_again_forgives_for_good(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(50, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    [_, february] = account.invoices(subscription)

    seller.void(february, settle=False)
    seller.use(50, "2025-01-21T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert late_lines(march) == [Decimal("0.50")]


def test_void_takes_back_what_other_invoices_said_of_the_period(seller: Seller) -> None:
    subscription = seller.subscribe()
    seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(10, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [100, 10]
    [january, _] = seller.account.invoices(subscription)

    seller.void(january)
    seller.use(50, "2025-03-12T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = seller.account.invoices(subscription)
    assert (late_lines(march), march["total"]) == ([-10], 40)


def test_reissue_bills_the_period_once_more_from_its_usage_now(seller: Seller) -> None:
    subscription = seller.subscribe()
    seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(10, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    [january, february] = seller.account.invoices(subscription)
    path = f"/invoices/{january['id']}/reissue"
    with pytest.raises(Refused) as refused:
        seller.account.post(path)
    assert (refused.value.status, refused.value.body["code"]) == (409, "invoice_not_void")

    seller.void(january)
    draft = seller.account.post(path, expect=201)
    with pytest.raises(Refused) as refused:
        seller.account.post(path)
    assert (refused.value.status, refused.value.body["code"]) == (409, "already_reissued")
    seller.advance("2025-04-10T00:00:00Z")

    again = seller.account.get(f"/invoices/{draft['id']}")
    assert (again["status"], again["total"], late_lines(again)) == ("OPEN", 100, [-10])
    assert (again["period_start"], february["total"]) == (january["period_start"], 10)
    assert seller.account.post(f"/invoices/{draft['id']}/verify")["result"] == "equal"
    *_, march = seller.account.invoices(subscription)
    assert march["total"] == 0


def test_deleted_draft_leaves_its_period_unbilled_until_somebody_bills_it(seller: Seller) -> None:
    subscription = seller.subscribe()
    seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-01T00:30:00Z")
    [draft] = seller.account.invoices(subscription)
    seller.account.request("DELETE", f"/invoices/{draft['id']}", expect=204)

    found = seller.account.get("/audit/coverage")["findings"]
    assert [(one["kind"], one["period_index"], one["period_start"]) for one in found] == [
        ("unbilled", 0, "2025-01-01T00:00:00Z")
    ]
    seller.use(5, "2025-01-11T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [0]
    path = f"/subscriptions/{subscription['id']}/generate-invoice"
    [again] = seller.account.post(path, {"period_index": 0}, expect=201)["data"]

    assert (again["total"], again["period_end"]) == (105, "2025-02-01T00:00:00Z")
    assert seller.account.get("/audit/coverage")["findings"] == []
    with pytest.raises(Refused) as refused:
        seller.account.post(path, {"period_index": 0})
    assert (refused.value.status, refused.value.body["code"]) == (409, "period_already_billed")


def test_draft_that_is_deleted_sets_its_late_line_free(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(50, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-01T00:30:00Z")
    [_, draft] = account.invoices(subscription)
    assert late_lines(draft) == [Decimal("0.50")]

    account.request("DELETE", f"/invoices/{draft['id']}", expect=204)
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert late_lines(march) == [Decimal("0.50")]
