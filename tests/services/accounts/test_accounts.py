"""Small rules of accounts: slugs, scopes, passwords, what the audit log keeps."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from sqlmodel import Session

from billing.errors import InvalidInput
from models.audit_log import AuditEntry
from services.accounts.api_keys import read_scopes
from services.accounts.passwords import require_good_password
from services.accounts.sign_ups import slug_of
from services.audit_log import ACTOR, REQUEST_ID, record
from tests.api.members_story import code_of

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Color(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Pair:
    left: Decimal
    right: UUID


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Lumen Works", "lumen-works"),
        ("  Ünïcode & Söhne  ", "n-code-s-hne"),
        ("***", "organization"),
        ("東京", "organization"),
        ("a" * 300, "a" * 100),
        ("already-fine-2", "already-fine-2"),
    ],
)
def test_slug_is_made_of_letters_digits_and_hyphens(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_scopes_are_named_in_full_once_and_in_order() -> None:
    assert read_scopes(("billing.read", " WRITE ", "usage.write")) == (
        "usage.write",
        "billing.read",
    )


@pytest.mark.parametrize(
    ("scopes", "code", "field"),
    [((), "scopes_missing", "scopes"), (("read", "admin"), "unknown_scope", "scopes.1")],
)
def test_bad_scopes_are_refused_by_place(scopes: tuple[str, ...], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_scopes(scopes)

    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize(
    "password",
    [
        *("password", "PASSWORD", "iloveyou", "qwertyuiop", "passw0rd", "password1!"),
        *("aaaaaaaa", "abababab", "abcabcabc", "correctcorrect", "aaaabbbbcccc"),
        *("abcdefgh", "87654321", "abcd1234xyz", "qwertasdfg", "zyxwvutsrq"),
        *("ops@lumenworks.test", "lumenworks2026", "LumenWorks1", "fluxrate2026", "lumen-works-1"),
    ],
)
def test_passwords_that_anybody_tries_first_are_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_good_password(
            password, email="Ops@lumenworks.test", organization_name="Lumen Works"
        )

    assert (caught.value.code, caught.value.field) == ("common_password", "password")


@pytest.mark.parametrize(
    "password",
    [
        *("correct-horse-9", "пароль-лошадь", "password but long", "tr0ub4dor&3"),
        *("lumenworks-owns-a-boat", "8Fk2pQ1z", "東京特許許可局です", "horse battery"),
    ],
)
def test_other_passwords_pass(password: str) -> None:
    require_good_password(password, email="ops@lumenworks.test", organization_name="Lumen Works")


@pytest.mark.parametrize(
    ("second", "code"), [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")]
)
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    secret = b32encode(b"12345678901234567890").decode()

    assert code_of(secret, datetime.fromtimestamp(second, UTC)) == code


def test_audit_entry_keeps_exact_values_as_text_and_says_who_and_why() -> None:
    session = Session()
    session.info[ACTOR] = "user:7"
    session.info[REQUEST_ID] = "the-request"

    record(
        session,
        UUID(int=1),
        "thing.changed",
        "thing",
        UUID(int=2),
        now=NOW,
        before={"price": Decimal("1E+2"), "kind": Color.RED, "at": NOW},
        after={"pair": Pair(Decimal("0.10"), UUID(int=3)), "list": (1, None, True, {"x": "y"})},
    )

    (entry,) = session.new
    assert isinstance(entry, AuditEntry)
    assert (entry.actor, entry.request_id, entry.at) == ("user:7", "the-request", NOW)
    assert entry.before == {"price": "100", "kind": "red", "at": "2026-03-02T08:00:00+00:00"}
    assert entry.after == {
        "pair": {"left": "0.10", "right": "00000000-0000-0000-0000-000000000003"},
        "list": [1, None, True, {"x": "y"}],
    }


def test_actor_is_the_system_where_no_edge_says_otherwise() -> None:
    session = Session()

    record(session, UUID(int=1), "thing.changed", "thing", None, now=NOW)

    (entry,) = session.new
    assert isinstance(entry, AuditEntry)
    assert entry.actor == "system"
    assert entry.before is None
