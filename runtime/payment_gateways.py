"""The gateways of a process: who speaks for a connection, and what it takes to ask them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from billing.errors import Unavailable
from billing.payments.gateways import Gateway, Gateways
from repositories.payments import connections as stored_connections
from repositories.transactions import Transactions
from runtime.relays.outbound import gateways_of
from runtime.relays.sandbox_gateway import SandboxReach, reach_sandbox
from runtime.sealing import sealer_of
from runtime.security import new_secret
from runtime.settings import Settings
from services.accounts.credentials import Sealing
from services.payments.asking import Desk
from services.payments.connections import open_account
from services.portal.links import page_maker


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledGateways:
    """Every adapter, and the sandbox gateway in this process or elsewhere."""

    registry: Gateways
    sandbox: SandboxReach


def install_gateways(
    engine: Engine, settings: Settings, *, now: Callable[[], datetime]
) -> InstalledGateways:
    """The gateways of a process, which share its connections."""
    sandbox = reach_sandbox(engine, settings, now=now)
    return InstalledGateways(registry=gateways_of(settings, sandbox), sandbox=sandbox)


def desk_of(
    transactions: Transactions,
    sealing: Sealing,
    gateways: Gateways,
    settings: Settings,
    *,
    now: Callable[[], datetime],
) -> Desk:
    """What it takes to ask the gateways of a process."""
    return Desk(
        transactions=transactions,
        gateways=gateways,
        sealing=sealing,
        public_url=settings.public_url,
        page_of=page_maker(settings.public_url, new_secret, now),
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedGateways:
    """Who speaks for a connection, by the secrets that it is sealed with."""

    gateways: Gateways
    sealing: Sealing
    public_url: str

    def gateway_of(self, session: Session, organization_id: UUID, connection_id: UUID) -> Gateway:
        """The gateway of a connection, deleted ones included. Raises SecretKeyMissing."""
        connection = stored_connections.find_connection(session, organization_id, connection_id)
        assert connection is not None, "connections are never deleted for good"
        account = open_account(connection, self.sealing, public_url=self.public_url)
        return self.gateways.gateway_of(account)


def connect_gateways(
    settings: Settings, installed: InstalledGateways
) -> ConnectedGateways | DisconnectedGateways:
    """Who speaks for connections, if there is the key that their secrets need."""
    sealer = sealer_of(settings)
    if sealer is None:
        return DisconnectedGateways()
    return ConnectedGateways(
        gateways=installed.registry, sealing=sealer, public_url=settings.public_url
    )


class DisconnectedGateways:
    """Nobody speaks for any connection: what was begun waits until somebody does."""

    def gateway_of(self, _session: Session, _organization_id: UUID, connection_id: UUID) -> Gateway:
        """Raises Unavailable."""
        raise Unavailable(f"Connection {connection_id} has no adapter.", code="gateway_missing")
