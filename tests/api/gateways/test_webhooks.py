"""Webhooks of gateways: what is taken, what is refused, and what becomes of it."""

from __future__ import annotations

from tests.api.gateways.house import House


def test_payment_on_the_page_settles_the_invoice(house: House) -> None:
    invoice = house.finalize()
    house.ask()
    url = house.invoice(invoice["id"])["payment_link"]
    assert url.startswith("http://pay.example/")
    house.press(url)

    house.settle()

    paid = house.invoice(invoice["id"])
    assert (paid["status"], paid["amount_paid"], paid["amount_due"]) == ("PAID", 120, 0)
    assert paid["payment_link"] is None
    [event] = house.events(status="processed")
    assert (event["type"], event["invoice_id"]) == ("payment.succeeded", invoice["id"])
