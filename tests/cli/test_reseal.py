"""Every secret at rest comes under the key in force, however often that is asked for.

What docs/operators/rotating-keys.md says of ``fluxrate reseal``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import SQLModel

import models  # noqa: F401  (loads every table into the metadata)
from cli.reseal import reseal_all
from models.accounts.invitations import Invitation, PasswordReset
from models.accounts.organizations import Organization, OrganizationDirectory
from models.accounts.second_factors import TotpFactor
from models.accounts.users import User
from models.base import new_id
from models.invoicing.receipts import ReceiptKey
from models.notifications.webhooks import WebhookEndpoint
from models.payments.connections import Connection
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.sealing import Sealer
from services.operations.sealed_secrets import SEALED, Resealed
from tests.services.shop import NOW, open_shop

FORMER, PRESENT = "former" * 8, "present" * 8
SECRETS = {("organization", "sealed_smtp_password"): "a mail password"} | {
    ("webhook_endpoint", "sealed_secret"): "a secret",
    ("webhook_endpoint", "former_secret"): "the one before",
    ("connection", "sealed_secrets"): '{"secret_key": "sk_test"}',
    ("connection", "sealed_former_secrets"): '{"secret_key": "sk_test_before"}',
    ("receipt_key", "sealed_key"): "a private half",
    ("invitation", "sealed_token"): "a link",
    ("password_reset", "sealed_token"): "another link",
    ("totp_factor", "sealed_secret"): "an authenticator's",
}


@pytest.fixture
def transactions(database_url: str) -> Iterator[Transactions]:
    """A database whose organizations these tests make."""
    engine = create_application_engine(database_url)
    yield Transactions(engine)
    engine.dispose()


def store(transactions: Transactions, sealer: Sealer) -> None:
    """An organization with a secret in every column that has some."""
    organization_id = open_shop(transactions).organization_id
    endpoint = WebhookEndpoint(
        organization_id=organization_id,
        id=new_id(),
        url="https://hooks.example.com/",
        events=["*"],
        sealed_secret="",
        former_secret="",
        former_until=NOW,
        created_at=NOW,
    )
    key = ReceiptKey(
        organization_id=organization_id,
        id=new_id(),
        key_id=str(new_id()),
        public_key="public",
        sealed_key="",
        created_at=NOW,
    )
    connection = Connection(
        organization_id=organization_id,
        id=new_id(),
        provider="stripe",
        name="Stripe",
        former_until=NOW,
        created_at=NOW,
    )
    accounts = account_rows(organization_id)
    with transactions.for_organization(organization_id) as session:
        session.add(accounts.pop("app_user"))
        session.flush()
        organization = session.get(Organization, organization_id)
        rows: dict[str, Any] = accounts | {
            "organization": organization,
            "webhook_endpoint": endpoint,
            "receipt_key": key,
            "connection": connection,
        }
        for one in SEALED:
            name = str(one.table.__tablename__)
            place = one.place_of(rows[name])
            setattr(rows[name], one.column, sealer.seal(SECRETS[name, one.column], place=place))
        session.add_all([*rows.values(), OrganizationDirectory(id=organization_id)])


def account_rows(organization_id: UUID) -> dict[str, Any]:
    """A person, and what is sealed for them."""
    user_id, until = new_id(), NOW + timedelta(hours=1)
    here: dict[str, Any] = {"organization_id": organization_id, "created_at": NOW}
    return {
        "app_user": User(
            id=user_id, email=f"{user_id}@harbor.test", password_hash="-", role="owner", **here
        ),
        "invitation": Invitation(
            id=new_id(),
            email="b@harbor.test",
            role="billing",
            token_hash=str(new_id()),
            invited_by=user_id,
            expires_at=until,
            **here,
        ),
        "password_reset": PasswordReset(
            id=new_id(), user_id=user_id, token_hash=str(new_id()), expires_at=until, **here
        ),
        "totp_factor": TotpFactor(user_id=user_id, sealed_secret="", **here),
    }


def test_every_sealed_column_is_in_the_list() -> None:
    named = {(str(one.table.__tablename__), one.column) for one in SEALED}
    sealed = {
        (table.name, column.name)
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if column.name.startswith("sealed_") or column.name.endswith("_secret")
    }

    assert sealed == named == SECRETS.keys()


def test_what_an_earlier_key_sealed_comes_under_the_one_in_force(
    transactions: Transactions,
) -> None:
    for _ in range(2):
        store(transactions, Sealer(FORMER))
    advanced: list[int] = []

    first = reseal_all(transactions, Sealer(PRESENT, [FORMER]), lambda: advanced.append(1))
    again = reseal_all(transactions, Sealer(PRESENT, [FORMER]), lambda: advanced.append(1))

    assert first == Resealed(renewed=2 * len(SEALED))
    assert again == Resealed()
    assert len(advanced) == 4
    # The present key alone opens everything now.
    assert reseal_all(transactions, Sealer("next" * 8, [PRESENT]), list).renewed == first.renewed


def test_what_no_key_opens_stays_as_it_is_and_is_counted(transactions: Transactions) -> None:
    store(transactions, Sealer("lost" * 8))
    store(transactions, Sealer(FORMER))

    done = reseal_all(transactions, Sealer(PRESENT, [FORMER]), list)

    assert done == Resealed(renewed=len(SEALED), unreadable=len(SEALED))
    found = reseal_all(transactions, Sealer(PRESENT, ["lost" * 8]), list)
    assert found == Resealed(renewed=len(SEALED))
