"""The Python client reads what webhooks send, as the product signs it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fluxrate_client.models import TOLD_EVENTS, InvoicePaidEvent
from fluxrate_client.webhooks import NotGenuine, read_event

from api.document.webhooks import read_told
from billing.notifications.events import WebhookEvent
from billing.notifications.signatures import sign, signing_secret

SECRET = "what only the endpoint and the product know"
KEY = signing_secret(SECRET)
NOW = datetime.now(UTC)


def signed(
    body: bytes, *, at: datetime = NOW, secrets: tuple[str, ...] = (SECRET,)
) -> dict[str, str]:
    headers = sign(body, message_id="0196f2a1", at=at, secrets=secrets)
    return {name.title(): value for name, value in headers.items()}


@pytest.mark.parametrize("event", WebhookEvent)
def test_every_event_has_a_class_of_its_own(event: WebhookEvent) -> None:
    body = json.dumps(read_told()[event]).encode()

    told = read_event(body, signed(body), KEY)

    assert type(told) is TOLD_EVENTS[event]
    assert told.event == event


def test_numbers_keep_their_digits() -> None:
    told = read_told()["invoice.paid"]
    body = (
        json.dumps(told)
        .replace(json.dumps(told["data"]["total"]), "0.1000000000000000001")
        .encode()
    )

    event = read_event(body, signed(body), KEY)

    assert isinstance(event, InvoicePaidEvent)
    assert event.data.total == Decimal("0.1000000000000000001")


def test_an_event_of_a_newer_version_is_none() -> None:
    body = b'{"event":"invoice.celebrated","timestamp":"2026-01-01T00:00:00Z","data":{}}'

    assert read_event(body, signed(body), KEY) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(b"another body"),
        signed(b"{}", secrets=("another secret",)),
        signed(b"{}", at=NOW - timedelta(hours=1)),
        signed(b"{}", at=NOW + timedelta(hours=1)),
    ],
)
def test_what_is_not_proved_is_not_read(headers: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        read_event(b"{}", headers, KEY)


def test_a_secret_that_was_replaced_is_good_beside_the_new_one() -> None:
    body = json.dumps(read_told()["invoice.paid"]).encode()

    assert read_event(body, signed(body, secrets=("the new one", SECRET)), KEY) is not None
