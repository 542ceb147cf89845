"""Stripe's requests before Stripe's own judge, which compares them with its OpenAPI document.

``make stripe`` installs it (it needs Go), and runs this. It keeps nothing, so that what it answers
is of no interest here: it refuses what Stripe would.
"""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from billing.errors import Rejected
from billing.payments.gateways import Gateway, Provider
from integrations.gateways.client import ProviderAnswer, ProviderClient, Question
from integrations.gateways.registry import GatewayRegistry
from integrations.gateways.stripe.api import StripeApi
from integrations.gateways.stripe.gateway import StripeGateway
from tests.integrations.gateways.shapes import (
    CARD,
    NOW,
    STRIPE_SECRETS,
    account_of,
    payment_request,
    refund_request,
)

ROOT = Path(__file__).parents[4]
JUDGE = shutil.which("stripe-mock") or str(ROOT / ".tools" / "stripe" / "stripe-mock")
ANYWHERE = "127.0.0.1:0"
"""For both: two judges on one machine would otherwise share a port of TLS, which nobody uses."""

ID_IN_PATH = re.compile(r"/(?:pi|cs|ch|in|re|du|pm)_\w+")

KINDS = {
    *("POST /checkout/sessions", "GET /checkout/sessions/{id}"),
    "POST /checkout/sessions/{id}/expire",
    *("POST /payment_intents", "GET /payment_intents", "GET /payment_intents/{id}"),
    *("GET /charges", "GET /charges/{id}", "GET /invoices/{id}", "GET /disputes/{id}"),
    *("POST /refunds", "GET /refunds", "GET /refunds/{id}"),
    "POST /payment_methods/{id}/detach",
}
"""All that the adapter asks Stripe for."""

pytestmark = pytest.mark.skipif(
    not Path(JUDGE).exists(), reason="stripe-mock is not here; `make stripe` installs it with Go."
)


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the judge says that it listens: it reads a document of megabytes before it does."""
    for _ in range(600):
        if said := re.search(r"Listening for HTTP at address: (\S+)", log.read_text()):
            return said[1]
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError("stripe-mock does not listen.")


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Stripe's judge is; it wants the very version that we pinned."""
    log = tmp_path_factory.mktemp("judge") / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [JUDGE, *("-http-addr", ANYWHERE), *("-https-addr", ANYWHERE), "-strict-version-check"],
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://{address_in(log, process)}"
    finally:
        process.terminate()
        process.wait(10)


class RecordingClient(ProviderClient):
    """Remembers which kinds of request it asked: method and path, ids by their beginnings."""

    asked: ClassVar[set[str]] = set()

    async def ask(self, question: Question) -> ProviderAnswer:
        """The judge's answer; what it refuses is not remembered."""
        answer = await super().ask(question)
        path = urlsplit(question.url).path.removeprefix("/v1")
        if answer.is_yes:
            self.asked.add(f"{question.method} {ID_IN_PATH.sub('/{id}', path)}")
        return answer


@pytest.fixture
async def client() -> AsyncIterator[ProviderClient]:
    made = RecordingClient(within_seconds=10)
    yield made
    await made.aclose()


@pytest.fixture
def api(judge: str, client: ProviderClient) -> StripeApi:
    return StripeApi(client, base_url=judge, secret_key=STRIPE_SECRETS["secret_key"])


@pytest.fixture
def stripe(judge: str, client: ProviderClient) -> Gateway:
    gateways = GatewayRegistry(client, base_urls={Provider.STRIPE: judge})
    return gateways.gateway_of(account_of(Provider.STRIPE))


async def test_the_judge_refuses_what_stripe_would(api: StripeApi) -> None:
    right = {"amount": 100, "currency": "usd"}
    wrong = ({"currency": "usd"}, {**right, "amount": "much"}, {**right, "no_such": 1})

    assert await api.post("/v1/payment_intents", right)
    for form in wrong:
        with pytest.raises(Rejected, match="Request validation error"):
            await api.post("/v1/payment_intents", form)


async def test_a_link_is_what_stripe_takes(stripe: Gateway) -> None:
    link = await stripe.create_link(payment_request())

    assert link.url.startswith("https://checkout.stripe.com/")
    await stripe.create_link(payment_request(customer_email=None))


async def test_a_charge_is_what_stripe_takes(stripe: Gateway) -> None:
    assert (await stripe.charge(payment_request(), CARD)).currency == "USD"
    await stripe.charge(payment_request(return_url=None), CARD)


@pytest.mark.parametrize("reference", ["pi_1", "cs_test_1", "ch_1"])
async def test_payments_are_looked_up_as_stripe_has_it(stripe: Gateway, reference: str) -> None:
    assert await stripe.find_payment(reference=reference, key=None) is not None


async def test_invoices_are_looked_up_as_stripe_has_it(stripe: Gateway) -> None:
    await stripe.find_payment(reference="in_1", key=None)


async def test_keys_are_looked_up_as_stripe_has_it(stripe: Gateway) -> None:
    assert await stripe.find_payment(reference=None, key="unknown", since=NOW, until=NOW) is None


async def test_sessions_are_read_and_ended_as_stripe_has_it(stripe: Gateway) -> None:
    await stripe.list_payments("cs_test_1")
    await stripe.expire_link("cs_test_1")


@pytest.mark.parametrize("reference", ["pi_1", "cs_test_1", "ch_1"])
async def test_refunds_are_what_stripe_takes(stripe: Gateway, reference: str) -> None:
    assert (await stripe.refund(refund_request(payment_reference=reference))).currency == "USD"
    assert await stripe.find_refund(payment_reference=reference, key="unknown") is None
    named = await stripe.find_refund(payment_reference=reference, key=None, reference="re_1")
    assert named is not None


async def test_disputes_are_looked_up_as_stripe_has_it(stripe: Gateway) -> None:
    assert await stripe.find_dispute("du_1") is not None


async def test_a_method_is_forgotten_as_stripe_has_it(stripe: Gateway) -> None:
    await stripe.forget_method(CARD)


def test_every_kind_of_request_that_the_adapter_makes_was_judged() -> None:
    """The last of all: what one of them asks anew, a test above has to ask."""
    source = Path(inspect.getfile(StripeGateway)).read_text()
    paths = set(re.findall(r"path_of\(\s*\"(\w+)\"(?:, \"(\w+)\")?", source))
    of_kinds = {kind.split("/", 1)[1].split("/{")[0] for kind in KINDS}

    assert RecordingClient.asked == KINDS
    assert {"/".join(filter(None, parts)) for parts in paths} == of_kinds
