"""What the sandbox gateway does wrong at will: nothing, unless it is asked to.

Whether a fault strikes is a matter of the seed, the fault and what it would strike: the same plan
does the same wrong again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, insert, select

from billing.errors import InvalidInput
from integrations.gateways.sandbox.ledger.tables import fault_plan
from integrations.gateways.sandbox.wire import decode, encode

WHOLE_ACCOUNT: Final = ""
"""The subject of a plan that holds for customers without one of their own."""

MOST_SECONDS: Final = 3600


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often each fault strikes, as a share of one, and how long what is late takes."""

    seed: int = 0
    lost_before_share: Decimal = Decimal(0)
    """Nothing is done, and nobody is told."""
    lost_after_share: Decimal = Decimal(0)
    """It is done, and nobody is told."""
    late_share: Decimal = Decimal(0)
    """Nobody is told, and it is done a while later: after somebody may have looked."""
    late_seconds: int = 2
    slow_share: Decimal = Decimal(0)
    """It is done, and told a while later."""
    slow_seconds: int = 2
    declined_first: int = 0
    """How many payments of each customer are declined before one may succeed."""
    pending_share: Decimal = Decimal(0)
    """What would succeed is pending first."""
    pending_seconds: int = 5
    pending_fails_share: Decimal = Decimal(0)
    """What was pending fails."""
    refund_fails_share: Decimal = Decimal(0)
    webhook_delay_share: Decimal = Decimal(0)
    """A webhook comes a while later, and so after those that were queued after it."""
    webhook_delay_seconds: int = 5
    webhook_repeat_share: Decimal = Decimal(0)
    """A webhook comes twice, the second time as late as one that is delayed."""
    webhook_forge_share: Decimal = Decimal(0)
    """Another one comes besides that says of money that was never paid; its signature is wrong."""
    webhook_contradict_share: Decimal = Decimal(0)
    """Another one comes besides that says the opposite; its signature is right."""
    is_payable_again: bool = False
    """The page of a link takes another payment after it was paid, as two tabs would."""

    def __post_init__(self) -> None:
        """Raises InvalidInput for a share or a time that cannot be."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not (value.is_finite() and 0 <= value <= 1):
                raise InvalidInput("A share is from 0 to 1.", field=name)
            if name.endswith("_seconds") and not 0 <= value <= MOST_SECONDS:
                raise InvalidInput(f"From 0 to {MOST_SECONDS} seconds.", field=name)
        if self.declined_first < 0:
            raise InvalidInput("A number from 0 on.", field="declined_first")

    def strikes(self, fault: str, subject: object) -> bool:
        """Whether a fault, by the name of its share without the word, strikes this subject."""
        share: Decimal = getattr(self, f"{fault}_share")
        return self.fraction(fault, subject) < share

    def fraction(self, purpose: str, subject: object) -> Decimal:
        """A number from 0 to below 1 that depends on the seed, the purpose and the subject only."""
        text = f"{self.seed}\0{purpose}\0{subject}".encode()
        number = int.from_bytes(hashlib.sha256(text).digest()[:6])
        return Decimal(number) / Decimal(2**48)

    def webhook_delay(self, subject: object) -> timedelta:
        """How much later than others a delayed webhook comes."""
        share = self.fraction("webhook_delay_length", subject)
        return timedelta(milliseconds=int(share * self.webhook_delay_seconds * 1000))


NO_FAULTS: Final = Faults()


class FaultsAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan for one customer, or for all that have none of their own; null ends it."""

    faults: Faults | None
    customer_id: UUID | None = None


def save_plan(connection: Connection, account_id: UUID, asked: FaultsAsked) -> None:
    """The plan is in force. Idempotent."""
    subject = str(asked.customer_id or WHOLE_ACCOUNT)
    connection.execute(
        delete(fault_plan).where(
            fault_plan.c.account_id == account_id, fault_plan.c.subject == subject
        )
    )
    if asked.faults is not None:
        connection.execute(
            insert(fault_plan).values(
                account_id=account_id, subject=subject, faults=encode(asked.faults).decode()
            )
        )


def find_plan(connection: Connection, account_id: UUID, customer_id: UUID | None = None) -> Faults:
    """The customer's plan, else the account's, else none."""
    subjects: Iterable[str] = {WHOLE_ACCOUNT, str(customer_id or WHOLE_ACCOUNT)}
    found = connection.execute(
        select(fault_plan.c.faults)
        .where(fault_plan.c.account_id == account_id, fault_plan.c.subject.in_(subjects))
        .order_by(fault_plan.c.subject.desc())
        .limit(1)
    ).scalar_one_or_none()
    return NO_FAULTS if found is None else decode(str(found).encode(), Faults)
