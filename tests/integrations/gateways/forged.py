"""Deliveries that are not a provider's, or cannot be read, each with what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.integrations.gateways.shapes import RAZORPAY_SECRETS, STRIPE_SECRETS, shape
from tests.integrations.gateways.signing import (
    Webhook,
    digest,
    razorpay_event,
    razorpay_signed,
    stripe_event,
    stripe_signed,
    written,
)

STRIPE_BODY = written(stripe_event("payment_intent.succeeded", shape("stripe/payment_intent")))
RAZORPAY_BODY = written(razorpay_event("payment.captured", payment=shape("razorpay/payment")))


def altered_bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Other bytes than those that were signed, most of which mean the same or almost."""
    document = json.loads(body)
    text = body.decode()
    yield (
        "one byte of the amount",
        text.replace("8245", "8246").replace("100000", "100001").encode(),
    )
    yield "one bit", bytes([body[0] ^ 1]) + body[1:]
    yield "serialised again without blanks", json.dumps(document, separators=(",", ":")).encode()
    yield "serialised again in another order", json.dumps(dict(reversed(document.items()))).encode()
    yield "serialised again with indents", json.dumps(document, indent=2).encode()
    yield "a blank before it", b" " + body
    yield "a newline after it", body + b"\n"
    yield "a carriage return after it", body + b"\r\n"
    yield "a NUL after it", body + b"\0"
    yield "a byte order mark before it", b"\xef\xbb\xbf" + body
    yield "in UTF-16", text.encode("utf-16")
    yield "an escaped letter", text.replace('"id"', '"\\u0069d"').encode()
    yield "letters that look the same", text.replace('"id"', '"іd"').encode()
    yield "wide digits", text.replace("8245", "８２４５").replace("100000", "１０００００").encode()
    yield "without its end", body[:-1]
    yield "only its beginning", body[:20]
    yield "twice", body + body
    yield "one more name in it", b'{"x":1,' + body[1:]
    yield "empty", b""
    yield "nothing but a brace", b"{"
    yield "huge", body[:-1] + b" " * (1024 * 1024) + b"}"


def unreadable_bodies(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Bodies that are signed rightly and yet say nothing."""
    yield "no JSON", b"payment succeeded"
    yield "half of it", text[: len(text) // 2]
    yield "a list", b"[" + text + b"]"
    yield "a word", b'"paid"'
    yield "nothing", b"null"
    yield "an empty object", b"{}"
    yield "not UTF-8", b'{"id":"\xff\xfe"}'
    yield "a name twice", text[:-1] + b',"type":"a","type":"b","event":"a","event":"b"}'
    yield "endless depth", b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    yield "no such number", b'{"id":NaN}'
    yield "a number of a megabyte", b'{"id":' + b"9" * 900_000 + b"}"
    yield "huge", b'{"id":"' + b"x" * (1024 * 1024) + b'"}'


WRONG_INSTANTS: dict[str, int | str] = {
    "zero": 0,
    "below zero": -1,
    "beyond all years": 99_999_999_999,
    "far beyond": 10**30,
    "a fraction": "1795910406.5",
    "with a sign": "+1795910406",
    "in wide digits": "１７９５９１０４０６",
    "with a blank within": "1795910 406",
    "a word": "now",
    "nothing": "",
}

WRONG_EVENTS: dict[str, dict[str, Any]] = {
    "an event of another kind": {"object": "v2.core.event"},
    "no object at all": {"object": None},
    "an id that is a number": {"id": 7},
    "an id of a thousand letters": {"id": "evt_" + "x" * 1000},
    "an id with a NUL": {"id": "evt_\0"},
    "an id with a surrogate": {"id": "evt_\ud800"},
    "a type that is a list": {"type": ["payment_intent.succeeded"]},
    "an instant that is a word": {"created": "now"},
    "an instant beyond all years": {"created": 10**15},
}

WRONG_INTENTS: dict[str, dict[str, Any]] = {
    "no such status": {"status": "paid"},
    "an amount in words": {"amount_received": "8245"},
    "an amount with a fraction": {"amount_received": 82.45},
    "an amount below zero": {"amount_received": -8245},
    "an amount that is true": {"amount_received": True},
    "no such currency": {"currency": "zzz"},
    "a currency that is none": {"currency": None},
    "no id": {"id": ""},
}

WRONG_RAZORPAY_EVENTS: dict[str, dict[str, Any]] = {
    "no event": {"entity": "payment"},
    "a kind that is a number": {"event": 7},
    "no kind": {"event": None},
    "no instant": {"created_at": None},
    "an instant in words": {"created_at": "1795910406"},
    "an instant below zero": {"created_at": -1},
    "an instant beyond all years": {"created_at": 10**15},
    "no entity in its payload": {"event": "refund.processed"},
}

WRONG_PAYMENTS: dict[str, dict[str, Any]] = {
    "no such status": {"status": "paid"},
    "an amount in words": {"amount": "100000"},
    "an amount with a fraction": {"amount": 1000.5},
    "an amount below zero": {"amount": -1},
    "no such currency": {"currency": "zzz"},
    "no id": {"id": ""},
}


def wrong_stripe_headers(header: str) -> Iterator[tuple[str, str | None]]:
    """Headers that sign nothing, made of one that does."""
    instant, signature = header.split(",")
    hexed = signature.removeprefix("v1=")
    yield from {
        "missing": None,
        "empty": "",
        "without an instant": signature,
        "without a signature": instant,
        "with two instants": f"{instant},t=1795910405,{signature}",
        "with another instant": f"t=1795910407,{signature}",
        "cut": header[:-1],
        "longer": header + "0",
        "in capitals": f"{instant},v1={hexed.upper()}",
        "in wide letters": f"{instant},v1=" + "".join(chr(ord(x) + 0xFEE0) for x in hexed),
        "with a letter that looks the same": f"{instant},v1={hexed.replace('a', 'а', 1)}é",
        "with a NUL": f"{instant},v1={hexed}\0",
        "in quotes": f'{instant},v1="{hexed}"',
        "with semicolons": f"{instant};{signature}",
        "of nobody's body": f"{instant},v1={digest(STRIPE_SECRETS['webhook_secret'], b'')}",
        "of the body alone": (
            f"{instant},v1={digest(STRIPE_SECRETS['webhook_secret'], STRIPE_BODY)}"
        ),
        "a plain hash": f"{instant},v1={'0' * 64}",
        "of many commas": "," * 4000,
        "of too many signatures": f"{instant}," + ",".join(["v1=00"] * 2000),
        "a lone surrogate": f"{instant},v1=\ud800",
    }.items()


def stripe_corpus() -> Iterator[tuple[str, Webhook]]:
    right = stripe_signed(STRIPE_BODY)
    header = right.headers["Stripe-Signature"]
    instant, signature = header.split(",")
    hexed = signature.removeprefix("v1=")
    for name, body in altered_bodies(STRIPE_BODY):
        yield f"altered: {name}", right.with_body(body)
    for name, body in unreadable_bodies(STRIPE_BODY):
        yield f"unreadable: {name}", stripe_signed(body)
    for name, secret in {
        "of another connection": "whsec_other",
        "of the API": STRIPE_SECRETS["secret_key"],
        "without its beginning": STRIPE_SECRETS["webhook_secret"].removeprefix("whsec_"),
        "with a newline": STRIPE_SECRETS["webhook_secret"] + "\n",
        "empty": "",
    }.items():
        yield f"secret {name}", stripe_signed(STRIPE_BODY, secret=secret)
    yield "five minutes and a second old", right.at(301)
    yield "a day old", right.at(86_400)
    yield "of five minutes and a second from now", right.at(-301)
    for name, at in WRONG_INSTANTS.items():
        yield f"instant {name}", stripe_signed(STRIPE_BODY, at=at)
    for scheme in ("v0", "v2", "V1", "v1 ", "", "sha256"):
        forged = f"{instant},{scheme.ljust(1, '?')}={hexed}".replace("v1 =", "v1\u00a0=")
        yield f"scheme {scheme!r}", right.with_headers(Stripe_Signature=forged)
    for name, value in wrong_stripe_headers(header):
        yield f"header {name}", right.with_headers(Stripe_Signature=value)
    yield "header twice", right.with_headers(**{"stripe-signature": header})
    yield (
        "header of another provider",
        Webhook(headers=razorpay_signed(STRIPE_BODY).headers, body=STRIPE_BODY),
    )
    for name, changes in WRONG_EVENTS.items():
        yield name, stripe_signed({**json.loads(STRIPE_BODY), **changes})
    for name, told in WRONG_INTENTS.items():
        intent = shape("stripe/payment_intent", **told)
        yield name, stripe_signed(stripe_event("payment_intent.succeeded", intent))


def wrong_razorpay_signatures(signature: str) -> Iterator[tuple[str, str | None]]:
    """Signatures of nothing, made of one that is right."""
    yield from {
        "missing": None,
        "empty": "",
        "cut": signature[:-1],
        "longer": signature + "0",
        "in capitals": signature.upper(),
        "in wide letters": "".join(chr(ord(x) + 0xFEE0) for x in signature),
        "beyond ASCII": signature[:-1] + "é",
        "a lone surrogate": "\ud800",
        "in quotes": f'"{signature}"',
        "with its scheme": f"sha256={signature}",
        "twice in one": f"{signature},{signature}",
        "a plain hash": "0" * 64,
        "of Stripe's kind": stripe_signed(RAZORPAY_BODY).headers["Stripe-Signature"],
        "of a page's end": digest(RAZORPAY_SECRETS["key_secret"], b"order_1|pay_1"),
        "of many letters": "a" * 5000,
    }.items()


def razorpay_corpus() -> Iterator[tuple[str, Webhook]]:
    right = razorpay_signed(RAZORPAY_BODY)
    signature = right.headers["X-Razorpay-Signature"]
    for name, body in altered_bodies(RAZORPAY_BODY):
        yield f"altered: {name}", right.with_body(body)
    for name, body in unreadable_bodies(RAZORPAY_BODY):
        yield f"unreadable: {name}", razorpay_signed(body)
    for name, secret in {
        "of another connection": "another",
        "of the API": RAZORPAY_SECRETS["key_secret"],
        "with a newline": RAZORPAY_SECRETS["webhook_secret"] + "\n",
        "empty": "",
    }.items():
        yield f"secret {name}", razorpay_signed(RAZORPAY_BODY, secret=secret)
    yield "five minutes and a second old", right.at(301)
    yield "a day old", right.at(86_400)
    yield "of five minutes and a second from now", right.at(-301)
    for name, value in wrong_razorpay_signatures(signature):
        yield f"signature {name}", right.with_headers(X_Razorpay_Signature=value)
    yield "signature twice", right.with_headers(**{"x-razorpay-signature": signature})
    for name, value in {
        "missing": None,
        "empty": "",
        "with a NUL": "a\0",
        "beyond ASCII": "é",
        "a lone surrogate": "\ud800",
        "of a thousand letters": "x" * 1000,
    }.items():
        yield f"event id {name}", right.with_headers(**{"x-razorpay-event-id": value})
    yield "event id twice", right.with_headers(**{"X-Razorpay-Event-Id": "another"})
    for name, changes in WRONG_RAZORPAY_EVENTS.items():
        yield name, razorpay_signed({**json.loads(RAZORPAY_BODY), **changes})
    for name, told in WRONG_PAYMENTS.items():
        payment = shape("razorpay/payment", **told)
        yield name, razorpay_signed(razorpay_event("payment.captured", payment=payment))
