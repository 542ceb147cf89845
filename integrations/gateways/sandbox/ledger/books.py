"""The books of the sandbox gateway: every change one transaction, every repeat one effect."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection as FileConnection
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from billing.errors import Conflict, Unauthenticated
from integrations.gateways.sandbox.ledger.tables import SCHEMA, account, answer, metadata

Result = TypeVar("Result")

TRIES: Final = 5
"""How often a transaction begins that met another one with the same key."""

WAITING_SECONDS: Final = 20
"""How long a transaction on a file waits for the one before it."""


class Ledger:
    """Where the sandbox gateway keeps what it did.

    On the product's PostgreSQL it is a schema of its own; as a file it survives that server.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """What ``work`` returns, committed; nothing of it holds if it raises.

        Two that make the same row at once have one effect: the second begins again and finds it.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except IntegrityError:
                if not tries_left:
                    raise
        raise AssertionError("There is a last try.")


def open_ledger_file(path: Path) -> Ledger:
    """The ledger in a file, made if there is none. What was committed survives a kill."""
    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: FileConnection, _record: object) -> None:
        # Transactions are begun below, and take their turns from the first statement on.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {WAITING_SECONDS * 1000:d}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    translated = engine.execution_options(schema_translate_map={SCHEMA: None})
    with translated.begin() as connection:
        metadata.create_all(connection)
    return Ledger(translated)


def new_reference(prefix: str) -> str:
    """A name that nobody has yet. Those that one process gives sort as it gave them."""
    return f"{prefix}_{time.time_ns():016x}{secrets.token_hex(8)}"


def signing_secret_of(key: str) -> str:
    """What signs the webhooks of an account: made of its key, so that a connection keeps one."""
    return hmac.new(key.encode(), b"webhooks", hashlib.sha256).hexdigest()


def require_account(
    connection: Connection, account_id: UUID, *, key: str, webhook_url: str, now: datetime
) -> None:
    """The account is open, and its webhooks go to the address given.

    Whoever first names an account opens it; from then on it takes that key and no other. Raises
    Unauthenticated.
    """
    found = connection.execute(
        select(account.c.key_hash, account.c.webhook_url).where(account.c.id == account_id)
    ).one_or_none()
    key_hash = hashlib.sha256(key.encode()).hexdigest()
    if found is None:
        connection.execute(
            insert(account).values(
                id=account_id,
                key_hash=key_hash,
                webhook_secret=signing_secret_of(key),
                webhook_url=webhook_url,
                created_at=now,
            )
        )
        return
    if not hmac.compare_digest(found.key_hash, key_hash):
        raise Unauthenticated("The key is not of this account.", code="wrong_key")
    if found.webhook_url != webhook_url:
        connection.execute(
            update(account).where(account.c.id == account_id).values(webhook_url=webhook_url)
        )


def answer_once(
    connection: Connection,
    account_id: UUID,
    *,
    key: str,
    request: bytes,
    do: Callable[[], bytes],
    now: datetime,
) -> bytes:
    """What was answered to the key the first time; else what ``do`` answers, from now on.

    Idempotent by account and key. Raises Conflict ``key_reused`` for another request.
    """
    request_hash = hashlib.sha256(request).hexdigest()
    stored = connection.execute(
        select(answer.c.request_hash, answer.c.body).where(
            answer.c.account_id == account_id, answer.c.key == key
        )
    ).one_or_none()
    if stored is not None:
        if stored.request_hash != request_hash:
            raise Conflict("This key was used for another request.", code="key_reused")
        return str(stored.body).encode()
    body = do()
    connection.execute(
        insert(answer).values(
            account_id=account_id,
            key=key,
            request_hash=request_hash,
            body=body.decode(),
            created_at=now,
        )
    )
    return body
