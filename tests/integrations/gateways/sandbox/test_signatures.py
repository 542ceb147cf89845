"""Webhooks that are not the sandbox gateway's, or not of now, are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from billing.payments.gateways import GatewayStatus, WebhookRefused
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.sandbox.ledger.books import signing_secret_of
from integrations.gateways.sandbox.signatures import HEADER, sign
from tests.integrations.gateways.sandbox.conftest import START, Sandbox

BODY = (
    b'{"id":"evt_1","type":"payment.succeeded","account":"00000000-0000-0000-0000-000000000001",'
    b'"created_at":"2026-03-01T12:00:00Z"}'
)


def of_account(body: dict[str, Any], sandbox: Sandbox) -> bytes:
    return json.dumps({**body, "account": str(sandbox.account.id)}).encode()


def payment_told(**changes: Any) -> dict[str, Any]:
    """An event that is right but for the changes."""
    return {
        "id": "evt_1",
        "type": "payment.succeeded",
        "created_at": START.isoformat(),
        "payment": {
            "id": "pay_1",
            "status": "succeeded",
            "amount_minor": 8245,
            "refunded_minor": 0,
            "currency": "USD",
            "at": START.isoformat(),
            "organization_id": str(uuid4()),
            "invoice_id": str(uuid4()),
            "customer_id": str(uuid4()),
            **changes,
        },
    }


FORGED_HEADERS: Mapping[str, Mapping[str, str]] = {
    "none": {},
    "empty": {HEADER: ""},
    "of another name": {"Stripe-Signature": "{right}"},
    "twice in other letters": {HEADER: "{right}", HEADER.lower(): "{right}"},
    "no time": {HEADER: "v1={digest}"},
    "empty time": {HEADER: "t=,v1={digest}"},
    "time that is a word": {HEADER: "t=now,v1={digest}"},
    "time with a sign": {HEADER: "t=+{seconds},v1={digest}"},
    "negative time": {HEADER: "t=-{seconds},v1={digest}"},
    "time with a point": {HEADER: "t={seconds}.0,v1={digest}"},
    "time in other digits": {HEADER: "t=١٧٧٢,v1={digest}"},
    "time with a blank": {HEADER: "t= {seconds},v1={digest}"},
    "endless time": {HEADER: "t=" + "9" * 900 + ",v1={digest}"},
    "two times": {HEADER: "t={seconds},t={seconds},v1={digest}"},
    "a later time beside": {HEADER: "t=9999999999,v1={digest},t={seconds}"},
    "no signature": {HEADER: "t={seconds}"},
    "empty signature": {HEADER: "t={seconds},v1="},
    "signature without a name": {HEADER: "t={seconds},{digest}"},
    "signature of another scheme": {HEADER: "t={seconds},v0={digest}"},
    "scheme in other letters": {HEADER: "t={seconds},V1={digest}"},
    "cut signature": {HEADER: "t={seconds},v1={cut}"},
    "longer signature": {HEADER: "t={seconds},v1={digest}0"},
    "signature in capitals": {HEADER: "t={seconds},v1={capitals}"},
    "signature of zeros": {HEADER: "t={seconds},v1=" + "0" * 64},
    "signature that is no hex": {HEADER: "t={seconds},v1=" + "z" * 64},
    "signature beyond ASCII": {HEADER: "t={seconds},v1=ñ"},
    "surrogates": {HEADER: "t={seconds},v1=\udcff"},
    "secret itself": {HEADER: "t={seconds},v1={secret}"},
    "of another secret": {HEADER: "t={seconds},v1={foreign}"},
    "of the key": {HEADER: "t={seconds},v1={of_key}"},
    "of an empty secret": {HEADER: "t={seconds},v1={of_nothing}"},
    "of another body": {HEADER: "t={seconds},v1={of_other_body}"},
    "of an empty body": {HEADER: "t={seconds},v1={of_empty_body}"},
    "of the body without its time": {HEADER: "t={seconds},v1={without_time}"},
    "of another time": {HEADER: "t={later},v1={digest}"},
    "separated by semicolons": {HEADER: "t={seconds};v1={digest}"},
    "endless header": {HEADER: "t={seconds},v1={digest}" + ",v1=0" * 1000},
    "JSON": {HEADER: '{"t":1}'},
}


def values_of(sandbox: Sandbox, body: bytes) -> dict[str, str]:
    """What the forged headers are made of."""
    secret = signing_secret_of(sandbox.account.secret)

    def digest(signed: bytes, of: str = secret) -> str:
        return sign(signed, secret=of, at=START).partition("v1=")[2]

    right = sign(body, secret=secret, at=START)
    return {
        "right": right,
        "seconds": str(int(START.timestamp())),
        "later": str(int(START.timestamp()) + 1),
        "digest": digest(body),
        "cut": digest(body)[:-1],
        "capitals": digest(body).upper(),
        "secret": secret,
        "foreign": digest(body, "another"),
        "of_key": digest(body, sandbox.account.secret),
        "of_nothing": digest(body, ""),
        "of_other_body": digest(body + b" "),
        "of_empty_body": digest(b""),
        "without_time": sign(b"", secret=secret, at=START)[-64:],
    }


@pytest.mark.parametrize("how", FORGED_HEADERS)
async def test_a_forged_webhook_is_refused(file_sandbox: Sandbox, how: str) -> None:
    body = of_account(payment_told(), file_sandbox)
    values = values_of(file_sandbox, body)

    def fill(text: str) -> str:
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    headers = {name: fill(value) for name, value in FORGED_HEADERS[how].items()}
    with pytest.raises(WebhookRefused):
        file_sandbox.gateway.read_webhook(headers, body, now=START)
    event = file_sandbox.gateway.read_webhook({HEADER: values["right"]}, body, now=START)
    assert event.payment is not None


@pytest.mark.parametrize("seconds", [-86400, -301, 301, 3600, 10**9])
async def test_a_stale_webhook_is_refused(file_sandbox: Sandbox, seconds: int) -> None:
    body = of_account(payment_told(), file_sandbox)
    header = sign(body, secret=signing_secret_of(file_sandbox.account.secret), at=START)
    headers = {HEADER: header}

    with pytest.raises(WebhookRefused):
        file_sandbox.gateway.read_webhook(headers, body, now=START + timedelta(seconds=seconds))
    for held in (-300, 0, 300):
        moved = START + timedelta(seconds=held)
        assert file_sandbox.gateway.read_webhook(headers, body, now=moved).id == "evt_1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b"{}" * 2,
        b"[" * 100_000,
        BODY,
        BODY.replace(b"evt_1", b"\\ud800"),
        BODY.replace(b"payment.succeeded", b"payment.perhaps"),
        *(
            json.dumps({**payment_told(**changes), "account": "own"}).encode()
            for changes in (
                {"amount_minor": 82.45},
                {"amount_minor": "8245"},
                {"amount_minor": -1},
                {"amount_minor": 10**40},
                {"currency": "XXX"},
                {"currency": None},
                {"status": "paid"},
                {"at": "2026-03-01"},
                {"at": "2026-03-01T12:00:00"},
                {"invoice_id": "INV-1"},
            )
        ),
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)
async def test_what_is_signed_and_cannot_be_read_is_refused(
    file_sandbox: Sandbox, body: bytes
) -> None:
    body = body.replace(b'"own"', json.dumps(str(file_sandbox.account.id)).encode())
    header = sign(body, secret=signing_secret_of(file_sandbox.account.secret), at=START)

    with pytest.raises(WebhookRefused):
        file_sandbox.gateway.read_webhook({HEADER: header}, body, now=START)


async def test_the_corpus_is_as_large_as_it_is_to_be() -> None:
    assert len(FORGED_HEADERS) + 5 >= 40


async def test_any_of_several_signatures_may_be_right_and_names_in_any_letters(
    file_sandbox: Sandbox,
) -> None:
    body = of_account(payment_told(), file_sandbox)
    right = sign(body, secret=signing_secret_of(file_sandbox.account.secret), at=START)
    gateway: SandboxGateway = file_sandbox.gateway

    for header in (f"{right},v1=00", right.replace(",", ",v1=00,"), f"v0=1,{right}"):
        event = gateway.read_webhook({HEADER.upper(): header}, body, now=START)
        assert event.payment is not None
        assert event.payment.status is GatewayStatus.SUCCEEDED
