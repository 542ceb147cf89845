"""Which adapter speaks for a connection: the one place where gateways are composed for workers."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from billing.errors import Unavailable
from billing.payments.gateways import Gateway
from services.dunning.attempts import UsableMethod


class NoGateways:
    """Nobody speaks for any connection: what was begun waits until somebody does."""

    def gateway_of(self, _session: Session, _organization_id: UUID, connection_id: UUID) -> Gateway:
        """Raises Unavailable."""
        raise Unavailable(f"Connection {connection_id} has no adapter.", code="gateway_missing")


def find_no_method(
    _session: Session, _organization_id: UUID, _customer_id: UUID
) -> UsableMethod | None:
    """No customer has saved anything."""
    return None
