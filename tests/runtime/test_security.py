"""Passwords, access tokens, keys: what is accepted and what is not."""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from runtime.security import Security
from services.accounts.credentials import AccessClaims
from tests import passwords

SECRET = "a secret that only tests know, long enough"
OTHER = "another secret, also of more than 32 letters"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CLAIMS = AccessClaims(organization_id=UUID(int=1), user_id=UUID(int=2), user_session_id=UUID(int=3))


def signing_with(secret: str, *earlier: str) -> Security:
    return Security(secret, previous_secret_keys=earlier, passwords=passwords.QUICK)


@pytest.fixture(scope="module")
def security() -> Security:
    return signing_with(SECRET)


@pytest.fixture(scope="module")
def recommended() -> Security:
    return Security(SECRET)


def decoded(part: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return document


def encoded(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def good_parts(security: Security) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = security.issue_access_token(CLAIMS, now=NOW, seconds=900).split(
        "."
    )
    return decoded(header), decoded(payload), signature


def resigned(header: dict[str, Any], payload: dict[str, Any], secret: str = SECRET) -> str:
    return jwt.encode(header, payload, OctKey.import_key(secret), algorithms=["HS256", "HS512"])


def test_token_says_whom_it_names_until_it_runs_out(security: Security) -> None:
    token = security.issue_access_token(CLAIMS, now=NOW, seconds=900)

    assert security.read_access_token(token, now=NOW) == CLAIMS
    assert security.read_access_token(token, now=NOW + timedelta(seconds=899)) == CLAIMS
    assert security.read_access_token(token, now=NOW + timedelta(seconds=900)) is None
    assert security.read_access_token(token, now=NOW - timedelta(seconds=1)) is None


def test_token_without_signature_is_refused(security: Security) -> None:
    header, payload, _ = good_parts(security)

    for algorithm in ("none", "None", "NONE", ""):
        unsigned = f"{encoded({**header, 'alg': algorithm})}.{encoded(payload)}."
        assert security.read_access_token(unsigned, now=NOW) is None


def test_token_of_another_algorithm_is_refused(security: Security) -> None:
    header, payload, _ = good_parts(security)

    assert (
        security.read_access_token(resigned({**header, "alg": "HS512"}, payload), now=NOW) is None
    )


def test_token_signed_with_a_key_that_it_brings_along_is_refused(security: Security) -> None:
    header, payload, _ = good_parts(security)
    key = RSAKey.generate_key(2048)
    brought = {
        **header,
        "alg": "RS256",
        "jwk": key.as_dict(private=False),
        "jku": "https://evil.test",
    }

    token = jwt.encode(brought, payload, key, algorithms=["RS256"])

    assert security.read_access_token(token, now=NOW) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("aud", "another-api"),
        ("aud", None),
        ("iss", "somebody"),
        ("iss", None),
        ("exp", None),
        ("exp", "tomorrow"),
        ("nbf", None),
        ("org", None),
        ("org", "not-an-id"),
        ("sub", 7),
        ("sid", None),
    ],
)
def test_token_with_a_claim_missing_or_wrong_is_refused(
    security: Security, name: str, value: object
) -> None:
    header, payload, _ = good_parts(security)
    payload = {key: claim for key, claim in {**payload, name: value}.items() if claim is not None}

    assert security.read_access_token(resigned(header, payload), now=NOW) is None


def test_token_of_another_type_is_refused(security: Security) -> None:
    header, payload, _ = good_parts(security)

    assert security.read_access_token(resigned({**header, "typ": "JWT"}, payload), now=NOW) is None


def test_token_with_a_changed_payload_is_refused(security: Security) -> None:
    header, payload, signature = good_parts(security)
    forged = f"{encoded(header)}.{encoded({**payload, 'org': str(UUID(int=9))})}.{signature}"

    assert security.read_access_token(forged, now=NOW) is None


def test_token_of_an_unknown_key_is_refused(security: Security) -> None:
    foreign = signing_with(OTHER).issue_access_token(CLAIMS, now=NOW, seconds=900)
    header, payload, _ = good_parts(security)

    assert security.read_access_token(foreign, now=NOW) is None
    assert security.read_access_token(resigned(header, payload, OTHER), now=NOW) is None
    without_id = {name: value for name, value in header.items() if name != "kid"}
    assert security.read_access_token(resigned(without_id, payload), now=NOW) is None


@pytest.mark.parametrize(
    "text", ["", ".", "..", "...", "a.b.c", "é.é.é", "x" * 4000, "e30.e30.e30"]
)
def test_nonsense_is_no_token(security: Security, text: str) -> None:
    assert security.read_access_token(text, now=NOW) is None


def test_tokens_of_the_secret_before_are_good_until_it_is_dropped() -> None:
    old = signing_with(OTHER).issue_access_token(CLAIMS, now=NOW, seconds=900)

    rotated = signing_with(SECRET, OTHER)

    assert rotated.read_access_token(old, now=NOW) == CLAIMS
    assert signing_with(SECRET).read_access_token(old, now=NOW) is None
    assert (
        rotated.issue_access_token(CLAIMS, now=NOW, seconds=900).split(".")[0] != old.split(".")[0]
    )


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_weak_secrets_are_refused_at_start(secret: str) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        Security(secret)


def test_passwords_are_hashed_slowly_and_with_salt(recommended: Security) -> None:
    first, second = (recommended.hash_password("correct-horse-9") for _ in range(2))

    assert first.startswith("$argon2id$")
    assert first != second
    assert recommended.check_password("correct-horse-9", first).is_right
    assert not recommended.check_password("correct-horse-8", first).is_right
    assert not recommended.check_password("correct-horse-9", None).is_right


def test_hash_made_at_another_cost_is_renewed_by_the_right_password_alone(
    recommended: Security,
) -> None:
    earlier = Security(SECRET, passwords=PasswordHash.recommended())
    stored = earlier.hash_password("correct-horse-9")

    right = recommended.check_password("correct-horse-9", stored)
    wrong = recommended.check_password("wrong-horse-9", stored)

    assert right.is_right
    assert right.renewed_hash is not None
    assert recommended.check_password("correct-horse-9", right.renewed_hash).renewed_hash is None
    assert not wrong.is_right
    assert wrong.renewed_hash is None


def test_unknown_account_takes_as_long_as_a_known_one() -> None:
    """Compared in this process: one that stands back takes as long as others let it."""
    security = Security(SECRET, passwords=PasswordHash((Argon2Hasher(parallelism=1),)))
    stored = security.hash_password("correct-horse-9")

    def seconds(password_hash: str | None) -> float:
        begin = time.perf_counter()
        security.check_password("wrong-horse-9", password_hash)
        return time.perf_counter() - begin

    known, unknown = zip(*[(seconds(stored), seconds(None)) for _ in range(5)], strict=True)

    assert 0.5 < min(unknown) / min(known) < 2


def test_keys_carry_their_prefix_192_bits_and_a_checksum(security: Security) -> None:
    keys = {security.new_api_key("sk_live") for _ in range(200)}

    assert len(keys) == 200
    for key in keys:
        assert re.fullmatch(r"sk_live_[0-9A-Za-z]{33}[0-9A-Za-z]{6}", key)
        assert security.is_api_key(key)


@pytest.mark.parametrize("place", [0, 8, 20, -7, -6, -1])
def test_key_with_one_letter_changed_is_none(security: Security, place: int) -> None:
    letters = list(security.new_api_key("sk_live"))
    letters[place] = "x" if letters[place] != "x" else "y"

    assert not security.is_api_key("".join(letters))


@pytest.mark.parametrize("text", ["", "x", "sk_live_", "é" * 50, "\x00" * 50])
def test_nonsense_is_no_key(security: Security, text: str) -> None:
    assert not security.is_api_key(text)
