"""Every secret at rest, in one list: where it is, and how it comes under the key in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, SQLModel

from models.accounts.invitations import Invitation, PasswordReset
from models.accounts.organizations import Organization
from models.accounts.second_factors import TotpFactor
from models.invoicing.receipts import ReceiptKey
from models.notifications.webhooks import WebhookEndpoint
from models.payments.connections import Connection
from repositories.operations.sealed import lock_rows
from services.accounts.credentials import Sealing, SecretKeyMissing
from services.accounts.settings import place_of_smtp_password
from services.accounts.totp import place_of as place_of_totp
from services.members.invitations import place_of as place_of_invitation
from services.members.resets import place_of as place_of_reset
from services.notifications.endpoints import place_of as place_of_endpoint
from services.payments.connections import place_of as place_of_connection
from services.receipts.signing import place_of as place_of_receipt_key


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedColumn:
    """A column of sealed secrets, and what each was sealed for."""

    table: type[SQLModel]
    column: str
    place_of: Callable[[Any], str]


def _endpoint(row: WebhookEndpoint) -> str:
    return place_of_endpoint(row.organization_id, row.id)


def _connection(row: Connection) -> str:
    return place_of_connection(row.organization_id, row.id)


SEALED: Final = (
    SealedColumn(
        table=Organization,
        column="sealed_smtp_password",
        place_of=lambda row: place_of_smtp_password(row.id),
    ),
    SealedColumn(table=WebhookEndpoint, column="sealed_secret", place_of=_endpoint),
    SealedColumn(table=WebhookEndpoint, column="former_secret", place_of=_endpoint),
    SealedColumn(table=Connection, column="sealed_secrets", place_of=_connection),
    SealedColumn(table=Connection, column="sealed_former_secrets", place_of=_connection),
    SealedColumn(
        table=ReceiptKey,
        column="sealed_key",
        place_of=lambda row: place_of_receipt_key(row.organization_id, row.id),
    ),
    SealedColumn(
        table=Invitation,
        column="sealed_token",
        place_of=lambda row: place_of_invitation(row.organization_id, row.id),
    ),
    SealedColumn(
        table=PasswordReset,
        column="sealed_token",
        place_of=lambda row: place_of_reset(row.organization_id, row.id),
    ),
    SealedColumn(
        table=TotpFactor,
        column="sealed_secret",
        place_of=lambda row: place_of_totp(row.organization_id, row.user_id),
    ),
)
"""Whoever seals a secret names its column here: a test looks for those that are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """How many secrets came under the key in force, and how many no key opens."""

    renewed: int = 0
    unreadable: int = 0

    def __add__(self, other: Resealed) -> Resealed:
        return Resealed(
            renewed=self.renewed + other.renewed, unreadable=self.unreadable + other.unreadable
        )


def reseal(session: Session, organization_id: UUID, sealing: Sealing) -> Resealed:
    """The organization's secrets are sealed by the key in force; none that no key opens is changed.

    Repeatable: what is sealed by it already stays as it is.
    """
    done = Resealed()
    for sealed in SEALED:
        for row in lock_rows(session, sealed.table, sealed.column, organization_id):
            done += _reseal_one(row, sealed, sealing)
            session.add(row)
    session.flush()
    return done


def _reseal_one(row: SQLModel, sealed: SealedColumn, sealing: Sealing) -> Resealed:
    try:
        renewed = sealing.renew(getattr(row, sealed.column), place=sealed.place_of(row))
    except SecretKeyMissing:
        return Resealed(unreadable=1)
    if renewed is None:
        return Resealed()
    setattr(row, sealed.column, renewed)
    return Resealed(renewed=1)
