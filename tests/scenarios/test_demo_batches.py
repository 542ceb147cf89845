"""The demo's events arrive once, also where a batch is sent again since its answer was lost."""

from __future__ import annotations

from dataclasses import replace

from cli.demo.sales import PAY_AS_YOU_GO, make_meter, send_calls
from cli.output import make_console
from tests.scenarios.account import Account
from tests.scenarios.product import Product


def test_batch_that_is_stored_already_is_not_called_rejected(product: Product) -> None:
    sale = replace(PAY_AS_YOU_GO, calls=40)
    account = Account(product.url).sign_up()
    make_meter(account.api, sale)

    send_calls(make_console(), account.api, sale)
    send_calls(make_console(), account.api, sale)

    assert len(account.get("/usage?page_size=100")["data"]) == sale.calls
    account.client.close()
