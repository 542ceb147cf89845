"""The page of a link, as a browser and as a program use it."""

from __future__ import annotations

import re
from uuid import UUID

import httpx2
import pytest

from billing.payments.gateways import GatewayStatus, PaymentLink
from integrations.gateways.sandbox.faults import Faults
from tests.integrations.gateways.sandbox.conftest import Sandbox, payment_of

RETURN_URL = "https://billing.example/p/token?a=1&b=<2>"


async def open_link(sandbox: Sandbox, **changes: object) -> PaymentLink:
    """A link, as its invoice's page leads to it."""
    return await sandbox.gateway.create_link(payment_of(**{"return_url": RETURN_URL, **changes}))


async def press(sandbox: Sandbox, url: str, outcome: str) -> httpx2.Response:
    """A button is pressed, and the browser goes where it is sent."""
    return await sandbox.browser.post(
        f"{url}/pay", data={"outcome": outcome}, follow_redirects=True
    )


def buttons(page: httpx2.Response) -> list[str]:
    return re.findall(r'name="outcome" value="(\w+)"', page.text)


async def test_the_page_shows_what_is_to_be_paid_and_every_ending(sandbox: Sandbox) -> None:
    link = await open_link(sandbox)

    page = await sandbox.browser.get(link.url)

    assert page.status_code == 200
    assert "$82.45" in page.text
    assert "INV-2026-0001" in page.text
    assert "no money moves" in page.text
    assert buttons(page) == ["success", "failure", "declined_for_good", "pending", "unknown"]
    assert 'href="https://billing.example/p/token?a=1&amp;b=&lt;2&gt;"' in page.text


async def test_the_page_loads_nothing_but_its_own_style_sheet(sandbox: Sandbox) -> None:
    page = await sandbox.browser.get((await open_link(sandbox)).url)

    assert "<script" not in page.text
    [loaded] = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
    style = await sandbox.browser.get(f"http://pay.example{loaded}")
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    # Without it the form of somebody who is logged in would come from nowhere, and be refused.
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"


@pytest.mark.parametrize(
    ("outcome", "said", "may_go_on"),
    [
        ("success", "Paid", False),
        ("failure", "insufficient funds", True),
        ("declined_for_good", "reported stolen", True),
        ("pending", "Pending", False),
    ],
)
async def test_the_page_says_how_a_payment_ended(
    sandbox: Sandbox, outcome: str, said: str, *, may_go_on: bool
) -> None:
    link = await open_link(sandbox)

    page = await press(sandbox, link.url, outcome)

    assert page.url == link.url
    assert said in page.text
    assert bool(buttons(page)) is may_go_on


async def test_what_was_pending_is_paid_a_while_later(sandbox: Sandbox) -> None:
    link = await open_link(sandbox)
    await press(sandbox, link.url, "pending")
    sandbox.clock.move(6)

    assert "Paid" in (await sandbox.browser.get(link.url)).text


async def test_a_lost_answer_says_nothing_and_the_payment_stands(sandbox: Sandbox) -> None:
    link = await open_link(sandbox)

    page = await press(sandbox, link.url, "unknown")

    assert page.status_code == 504
    assert "Paid" not in page.text
    assert "Paid" in (await sandbox.browser.get(link.url)).text


async def test_a_program_is_told_the_payment(sandbox: Sandbox) -> None:
    request = payment_of()
    link = await sandbox.gateway.create_link(request)

    failed = (await sandbox.pay(link.url, "failure")).json()
    paid = (await sandbox.pay(link.url, "success")).json()

    assert failed["status"] == "failed"
    assert failed["error_code"] == "insufficient_funds"
    assert (paid["status"], paid["amount_minor"], paid["currency"]) == ("succeeded", 8245, "USD")
    assert UUID(paid["invoice_id"]) == request.invoice_id
    assert paid["link"] == link.reference


async def test_a_program_that_loses_the_answer_finds_the_payment(sandbox: Sandbox) -> None:
    link = await open_link(sandbox)

    answer = await sandbox.pay(link.url, "unknown")

    assert (answer.status_code, answer.json()["code"]) == (504, "answer_lost")
    [paid] = await sandbox.gateway.list_payments(link.reference)
    assert paid.status is GatewayStatus.SUCCEEDED


async def test_a_paid_or_expired_page_says_so_and_takes_nothing(sandbox: Sandbox) -> None:
    paid, expired = await open_link(sandbox), await open_link(sandbox)
    await sandbox.pay(paid.url)
    await sandbox.gateway.expire_link(expired.reference)

    pages = [await press(sandbox, one.url, "success") for one in (paid, expired)]

    assert [one.status_code for one in pages] == [200, 200]
    assert "Paid" in pages[0].text
    assert "Expired" in pages[1].text
    assert [buttons(one) for one in pages] == [[], []]
    assert len(await sandbox.gateway.list_payments(paid.reference)) == 1


async def test_a_page_takes_another_payment_if_the_plan_says_so(sandbox: Sandbox) -> None:
    link = await open_link(sandbox)
    await sandbox.gateway.set_faults(Faults(is_payable_again=True))

    answers = [await sandbox.pay(link.url) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    assert len(await sandbox.gateway.list_payments(link.reference)) == 2
    assert buttons(await sandbox.browser.get(link.url))


@pytest.mark.parametrize("token", ["", "x", "..", "%00", "a" * 500, "link_1", "<script>"])
async def test_a_page_of_nothing_is_not_found(sandbox: Sandbox, token: str) -> None:
    address = f"http://pay.example/sandbox/pay/{token}"

    assert (await sandbox.browser.get(address)).status_code == 404
    assert (await sandbox.pay(address)).status_code == 404


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"outcome":"maybe"}', "application/json", 422),
        (b'{"outcome":null}', "application/json", 422),
        (b'{"outcome":"success","amount":1}', "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"outcome=maybe", "application/x-www-form-urlencoded", 422),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 422),
        (b"x" * 70_000, "application/x-www-form-urlencoded", 422),
        (b'{"outcome":"success"}', "text/plain", 415),
        (b'{"outcome":"success"}', "", 415),
    ],
)
async def test_what_cannot_be_read_pays_nothing(
    file_sandbox: Sandbox, content: bytes, kind: str, status: int
) -> None:
    link = await open_link(file_sandbox)

    answer = await file_sandbox.browser.post(
        f"{link.url}/pay", content=content, headers={"Content-Type": kind}
    )

    assert answer.status_code == status
    assert await file_sandbox.gateway.list_payments(link.reference) == []


async def test_the_outcome_that_is_wrong_is_named(file_sandbox: Sandbox) -> None:
    link = await open_link(file_sandbox)

    answer = await file_sandbox.pay(link.url, "maybe")

    assert answer.json()["code"] == "invalid_body"
    assert "outcome" in answer.json()["detail"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//evil.example", "/p/x", "ftp://x"])
async def test_the_page_leads_back_to_pages_of_the_web_only(
    file_sandbox: Sandbox, address: str
) -> None:
    with pytest.raises(Exception, match="http"):
        await open_link(file_sandbox, return_url=address)


async def test_a_payment_leads_nowhere_but_to_its_own_page(file_sandbox: Sandbox) -> None:
    link = await open_link(file_sandbox)

    answer = await file_sandbox.browser.post(
        f"{link.url}/pay?next=https://evil.example", data={"outcome": "success"}
    )

    assert answer.status_code == 303
    assert answer.headers["location"] == link.url.removeprefix("http://pay.example")
