"""Nothing that a driver, a library or a caller quotes leaves by a log line."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pydantic
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from runtime.database.engine import create_application_engine
from runtime.observability.redaction import PATTERNS, REDACTED, redact_fields, redact_text
from runtime.telemetry import make_formatter

CANARY = "zqcanaryqz"

SECRETS = [
    f"Authorization: Bearer {CANARY}0123456789",
    f"headers=[(b'x-api-key', b'{CANARY}')]",
    f"Cookie: access_token={CANARY}; refresh_token={CANARY}",
    f"the key sk_live_{CANARY} is unknown",
    f"rk_test_{CANARY}",
    f"whsec_{CANARY}QUJD",
    f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}",
    f"s1.{CANARY}AAAAAAAAAAAAAAAAAAAA",
    f"$argon2id$v=19$m=65536,t=3,p=4${CANARY}${CANARY}",
    f"postgresql://fluxrate:{CANARY}@127.0.0.1/billing",
    f"https://billing.example/join#{CANARY}-0123456789abcdefghij",
    f"GET /reset?token={CANARY}",
    f"no account for {CANARY}@harbor.example",
    f"{CANARY}.o'neill+x@mail.harbor.co.uk",
    f"[SQL: INSERT] [parameters: ('{CANARY}',)]",
    f"1 error [type=x, input_value={{'name': '{CANARY}',\n 'b': 1}}, input_type=dict]",
]


@pytest.mark.parametrize("quoted", SECRETS)
def test_secret_and_address_are_taken_out_of_texts(quoted: str) -> None:
    assert CANARY not in redact_text(quoted)
    assert REDACTED in redact_text(quoted)


@pytest.mark.parametrize(
    "said",
    [
        "worker_ready",
        "Set FLUXRATE_SECRET_KEY to at least 32 random characters",
        "subscription/0191b0a2-7f60-7cc3-98f2-0f6f3f1d7a55 is awaited",
        "GET /api/v1/customers/{customer_id} took 12 ms",
        'File "/srv/app/api/app.py", line 12, in serve',
        "INV-2026-0042 is due on 2026-03-01T00:00:00Z",
    ],
)
def test_what_is_no_secret_stays(said: str) -> None:
    assert redact_text(said) == said


PARTS = [
    *SECRETS,
    *("DETAIL:", "Key (a)=(b)", "invalid input syntax for type uuid: ", "x", "[parameters: "),
    *("input_value=", ", input_type=", "Bearer ", "basic\t", "set-cookie", ": ", "ba\u017fic "),
    *("sk_", "live", "_test", "whsec_", "eyJ", "s1.", "$argon2", "$", "?token=", "&KEY=", "#"),
    *("://", ":", "@", ".", "a.b", "\n", " ", "0123456789abcdefABCDEF-_", "\u212aey=", "\u00fc"),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=12).map("".join))
def test_looking_for_marks_first_changes_no_text(said: str) -> None:
    expected = said
    for _, pattern, replacement in PATTERNS:
        expected = pattern.sub(replacement, expected)

    assert redact_text(said) == expected


def test_fields_of_a_secret_name_have_no_value_at_any_depth() -> None:
    fields = {
        "event": "told",
        "password": CANARY,
        "smtp_password": CANARY,
        "email": CANARY,
        "api_key": CANARY,
        "api_key_id": "k-1",
        "body": {"customer": {"refresh_token": CANARY}, "count": 3},
        "list": [{"cookie": CANARY}],
        "setting": "FLUXRATE_SECRET_KEY",
    }

    redacted = redact_fields(fields)

    assert CANARY not in json.dumps(redacted)
    assert redacted["api_key_id"] == "k-1"
    assert redacted["setting"] == "FLUXRATE_SECRET_KEY"
    assert redacted["body"]["count"] == 3


class Lines:
    """What a process would write."""

    def __init__(self, *, is_for_people: bool = False) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(make_formatter("api", is_for_people=is_for_people))
        self.logger = logging.getLogger(f"tests.redaction.{id(self)}")
        self.logger.propagate = False
        self.logger.addHandler(handler)
        self.logger.setLevel(logging.DEBUG)
        self.ours: Any = structlog.wrap_logger(
            self.logger,
            processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            wrapper_class=structlog.stdlib.BoundLogger,
        )

    def text(self) -> str:
        return self.stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "statement", "given"),
    [
        ("UniqueViolation", "INSERT INTO t VALUES (:given, :given), (:given, :given)", CANARY),
        ("NotNullViolation", "INSERT INTO t VALUES (:given, NULL)", CANARY),
        ("InvalidTextRepresentation", "SELECT CAST(:given AS uuid)", CANARY),
    ],
)
def test_what_the_database_quotes_is_in_no_line(
    database_url: str, kind: str, statement: str, given: str
) -> None:
    engine = create_application_engine(database_url, pool_size=1)
    lines = Lines()
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE t (email text UNIQUE, name text NOT NULL)"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text(statement), {"given": given})
    engine.dispose()
    lines.ours.error("unexpected_error", exc_info=caught.value)

    assert CANARY in str(caught.value)
    [line] = map(json.loads, lines.text().splitlines())
    assert kind in line["exception"]
    assert CANARY not in line["exception"]


def test_input_that_pydantic_quotes_is_in_no_line() -> None:
    class Customer(pydantic.BaseModel):
        name: int

    lines = Lines()
    try:
        Customer.model_validate({"name": CANARY})
    except pydantic.ValidationError:
        lines.ours.exception("step_failed")

    assert "ValidationError" in lines.text()
    assert CANARY not in lines.text()


def test_libraries_are_redacted_as_we_are() -> None:
    lines = Lines()

    lines.logger.warning("sent %s to %s", "Bearer zqcanaryqz12", "a@zqcanaryqz.example")

    assert json.loads(lines.text())["event"] == f"sent Bearer {REDACTED} to {REDACTED}"


@pytest.mark.parametrize("is_for_people", [False, True])
def test_nobodys_text_begins_a_line(is_for_people: bool) -> None:
    lines = Lines(is_for_people=is_for_people)
    forged = 'x\n{"event": "logged_in", "process": "api"}\r\u2028\x1b[2Kmore'

    lines.ours.warning("probe_failed", name=forged)
    lines.ours.error("step_failed", exc_info=ValueError(forged))

    for line in lines.text().splitlines():
        assert not line.startswith('{"event": "logged_in"')
        assert "\x1b[2K" not in line
    if not is_for_people:
        events = [json.loads(line)["event"] for line in lines.text().splitlines()]
        assert events == ["probe_failed", "step_failed"]
