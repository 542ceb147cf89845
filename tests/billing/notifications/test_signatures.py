"""Both signatures of a delivery: numbers of OpenSSL, and nothing else is taken for signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.notifications.signatures import is_signed, sign, signing_secret
from tests.billing.profiles import supporting

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
BODY = b'{"event":"invoice.paid"}'
SECRET, FORMER = "a secret", "the former one"
OURS = "v1,JM6IYdBZ7lq2G1God4G28VPA8hMyMxwRIruaoSZbLis="
OF_THE_FORMER = "v1,DfGmBq8OHqlN7ycBJMvqbVzKl1u3CSUwcd8vxgWB8wQ="


def signed(*secrets: str, body: bytes = BODY, message_id: str = "evt_1") -> dict[str, str]:
    return sign(body, message_id=message_id, at=AT, secrets=secrets)


def as_received(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_headers_are_what_openssl_makes_of_the_body() -> None:
    assert signed(SECRET) == {
        "X-Fluxrate-Signature": "6f13ec82fcfed8297d529377437dc3efac0edfd3210b9c6cf48b51ed35187f87",
        "webhook-id": "evt_1",
        "webhook-timestamp": "1772438400",
        "webhook-signature": OURS,
    }


def test_replaced_secret_signs_beside_the_new_one_in_the_standard_header_alone() -> None:
    both = signed(SECRET, FORMER)

    assert both["webhook-signature"] == f"{OURS} {OF_THE_FORMER}"
    assert both["X-Fluxrate-Signature"] == signed(SECRET)["X-Fluxrate-Signature"]
    assert is_signed(BODY, as_received(both), secret=SECRET, now=AT)
    assert not is_signed(BODY, as_received(both), secret=FORMER, now=AT)


def test_secret_of_libraries_is_the_same_secret() -> None:
    assert signing_secret(SECRET) == "whsec_YSBzZWNyZXQ="
    assert is_signed(BODY, as_received(signed(SECRET)), secret="whsec_YSBzZWNyZXQ=", now=AT)


@pytest.mark.parametrize(
    ("away", "expected"),
    [(0, True), (300, True), (-300, True), (301, False), (-301, False), (86_400, False)],
)
def test_delivery_counts_for_five_minutes_by_the_receivers_clock(
    away: int, *, expected: bool
) -> None:
    now = AT + timedelta(seconds=away)

    assert is_signed(BODY, as_received(signed(SECRET)), secret=SECRET, now=now) is expected


@pytest.mark.parametrize(
    "header", ["x-fluxrate-signature", "webhook-id", "webhook-timestamp", "webhook-signature"]
)
@pytest.mark.parametrize("value", [None, "", "x", "1772438401", "v1,", OF_THE_FORMER])
def test_header_that_is_missing_or_another_signs_nothing(header: str, value: str | None) -> None:
    headers = as_received(signed(SECRET))
    del headers[header]
    if value is not None:
        headers[header] = value

    assert not is_signed(BODY, headers, secret=SECRET, now=AT)


@supporting
@given(body=st.binary(max_size=60), other=st.binary(max_size=60), secret=st.text(min_size=1))
def test_body_is_signed_by_its_own_secret_and_no_other_body_is(
    body: bytes, other: bytes, secret: str
) -> None:
    secret = secret.encode("utf-8", "ignore").decode() or SECRET
    headers = as_received(signed(secret, body=body))

    for spelling in (secret, signing_secret(secret)):
        assert is_signed(body, headers, secret=spelling, now=AT)
        assert is_signed(other, headers, secret=spelling, now=AT) is (other == body)
    assert not is_signed(body, headers, secret=f"{secret}.", now=AT)
