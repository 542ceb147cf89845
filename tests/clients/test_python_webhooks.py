"""The Python client reads what webhooks send, as the product signs it."""

from __future__ import annotations

import json
from collections.abc import Callable
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


def signed(
    body: bytes, *, later: timedelta = timedelta(0), secrets: tuple[str, ...] = (SECRET,)
) -> dict[str, str]:
    headers = sign(body, message_id="0196f2a1", at=datetime.now(UTC) + later, secrets=secrets)
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
    "forge",
    [
        dict,
        lambda: signed(b"another body"),
        lambda: signed(b"{}", secrets=("another secret",)),
        lambda: signed(b"{}", later=timedelta(hours=-1)),
        lambda: signed(b"{}", later=timedelta(hours=1)),
    ],
    ids=["unsigned", "another body", "another secret", "too old", "of the future"],
)
def test_what_is_not_proved_is_not_read(forge: Callable[[], dict[str, str]]) -> None:
    with pytest.raises(NotGenuine):
        read_event(b"{}", forge(), KEY)


def test_a_secret_that_was_replaced_is_good_beside_the_new_one() -> None:
    body = json.dumps(read_told()["invoice.paid"]).encode()

    assert read_event(body, signed(body, secrets=("the new one", SECRET)), KEY) is not None


@pytest.mark.parametrize("other", [SECRET, "c2VjcmV0", "whsec_%%%", "whsec_abc", "whsec_é", ""])
def test_another_kind_of_secret_proves_nothing_and_is_said(other: str) -> None:
    with pytest.raises(NotGenuine, match=r"signing_secret, which begins with whsec_"):
        read_event(b"{}", signed(b"{}"), other)
