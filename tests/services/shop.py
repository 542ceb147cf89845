"""An organization in a real database, and a short way to call services for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from billing.rating.terms import ChargeType, Effective, FeatureType, PlanTerms, PlanType
from models.accounts.organizations import Organization
from models.base import new_id
from models.catalog.features import Feature
from models.catalog.meters import Meter
from models.catalog.plans import Charge, Plan
from repositories.asynchronous.document_reads import DocumentPage, DocumentRead, PageRead
from repositories.catalog.shown import GrantedFeature
from repositories.transactions import Transactions
from services.catalog import charges, features, grants, meters, plans, versions
from services.catalog.charges import AddCharge
from services.catalog.features import CreateFeature
from services.catalog.grants import Grant
from services.catalog.meters import CreateMeter, MeterDetails
from services.catalog.plans import PlanDetails, UpdatePlan
from services.lifecycle import version_migration
from services.lifecycle.catching_up import AT_ONCE, IN_ONE_TRANSACTION
from services.lifecycle.version_migration import Batch, Migration
from tests.kept_connections import connect_kept, run_here

Result = TypeVar("Result")

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PLAN = PlanDetails(
    name="Pay as you go",
    lookup_id="payg",
    type=PlanType.HYBRID,
    billing_interval=Interval.MONTH,
    currency="USD",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One organization, whose services are called in a transaction of their own each."""

    transactions: Transactions
    organization_id: UUID

    def do(self, service: Callable[..., Result], *args: Any, now: datetime = NOW) -> Result:
        """Call a service that changes something, and commit."""
        with self.transactions.for_organization(self.organization_id) as session:
            return service(session, self.organization_id, *args, now=now)

    def show(
        self, read: PageRead[Result], *, offset: int = 0, limit: int = 20, **filters: object
    ) -> DocumentPage[Result]:
        """A page of a list."""

        async def ask(connection: AsyncConnection) -> DocumentPage[Result]:
            found = await read.find(
                connection, self.organization_id, filters, offset=offset, limit=limit
            )
            return DocumentPage(found.total, [read.read.decode(one) for one in found.data])

        return self.ask(ask)

    def show_one(self, read: DocumentRead[Result], identifier: UUID, **more: object) -> Result:
        """One thing that is shown."""

        async def ask(connection: AsyncConnection) -> list[Result]:
            return await read.run(connection, self.organization_id, [identifier], **more)

        [found] = self.ask(ask)
        return found

    def ask(self, ask: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """What is answered on a connection of the event loop."""
        return run_here(self._ask(ask))

    async def _ask(self, ask: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        async with await connect_kept(self.transactions.address) as connection:
            return await ask(connection)

    def read(self, service: Callable[..., Result], *args: Any, **options: Any) -> Result:
        """Call a service that only reads."""
        with self.transactions.for_organization(self.organization_id) as session:
            return service(session, self.organization_id, *args, **options)

    def migrate(
        self, plan_id: UUID, *, effective: Effective | None = None, now: datetime = NOW
    ) -> Migration:
        """Move pinned subscriptions to the newest version, batch by batch as a request does."""
        describe = partial(version_migration.describe_migration, effective=effective)
        batches = self.migrate_batches(plan_id, effective=effective, now=now)
        return self.do(describe, plan_id, batches, now=now)

    def migrate_batches(
        self, plan_id: UUID, *, effective: Effective | None = None, now: datetime = NOW
    ) -> list[Batch]:
        """As :meth:`migrate`, but what each transaction came to."""
        batches: list[Batch] = []
        for ids in self.read(version_migration.list_batches, plan_id):
            rest: Sequence[UUID] = ids
            while rest:
                closed = sum(batch.closed for batch in batches)
                move = partial(
                    version_migration.migrate_batch,
                    effective=effective,
                    at_most=min(IN_ONE_TRANSACTION, AT_ONCE - closed),
                )
                batches.append(self.do(move, plan_id, rest, now=now))
                rest = batches[-1].rest
        return batches

    def add_meter(self, meter_name: str = "api_calls", **details: Any) -> Meter:
        """A meter, by default one that sums."""
        command = CreateMeter(meter_name=meter_name, details=MeterDetails(**details))
        return self.do(meters.create_meter, command)

    def add_feature(
        self, lookup_key: str = "api_calls", type: FeatureType = FeatureType.METER, **options: Any
    ) -> Feature:
        """A feature, by default one on a new SUM meter named like its key."""
        if type is FeatureType.METER and "meter_id" not in options:
            details = MeterDetails(aggregation_type=Aggregation.SUM)
            options.setdefault("meter", CreateMeter(meter_name=lookup_key, details=details))
        command = CreateFeature(name="API Calls", lookup_key=lookup_key, type=type, **options)
        return self.do(features.create_feature, command).feature

    def add_plan(self, lookup_id: str = "payg", **details: Any) -> Plan:
        """A plan, by default a monthly one in USD that takes every charge."""
        wanted = replace(PLAN, lookup_id=lookup_id, **details)
        return self.do(plans.create_plan, wanted).plan

    def edit_plan(self, plan: Plan, **details: Any) -> Plan:
        """The plan with new values of these details."""
        command = UpdatePlan(details=replace(PLAN, **details), given=frozenset(details))
        return self.do(plans.update_plan, plan.id, command).result.plan

    def add_usage_charge(self, plan: Plan, meter_id: UUID, **terms: Any) -> Charge:
        """A USAGE charge, by default of 0.001 a unit."""
        if not terms:
            terms = {"unit_price": Decimal("0.001")}
        command = AddCharge(type=ChargeType.USAGE, meter_id=meter_id, **terms)
        return self.do(charges.add_charge, plan.id, command).result

    def grant(self, plan: Plan, feature: Feature, **grant: Any) -> GrantedFeature:
        """A feature on a plan."""
        granting = Grant(**grant)
        return self.do(grants.add_plan_feature, plan.id, feature.id, granting).result

    def version_of(self, plan: Plan) -> int:
        """The number of the plan's newest version."""
        return self.terms_of(plan).version

    def terms_of(self, plan: Plan, version: int | None = None) -> PlanTerms:
        """The terms of a version, by default of the newest."""
        return self.read(versions.get_terms, plan.id, version)


def open_shop(transactions: Transactions) -> Shop:
    """A new organization."""
    organization_id = new_id()
    with transactions.for_organization(organization_id) as session:
        session.add(
            Organization(id=organization_id, name="Lumen Works", slug="lumen", created_at=NOW)
        )
    return Shop(transactions=transactions, organization_id=organization_id)
