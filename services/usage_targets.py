"""Targets: the meters and customers that reports name, looked up once for each wording."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection

from billing.errors import BillingError, NotFound
from billing.filters import parse_filters
from billing.metering import Aggregation
from repositories.usage_events import EventScope
from repositories.usage_names import (
    CustomerName,
    CustomerRow,
    MeterName,
    MeterRow,
    find_customers,
    find_meters,
    insert_customers,
)
from services.usage_reports import EventReport, Target, name_customer, name_meter

_NOBODY = UUID(int=0)


class NamedTarget:
    """What reports of one wording name: found, refused, or a customer who is yet to come."""

    __slots__ = ("customer", "error", "is_stranger", "meter", "report", "target")

    def __init__(self, organization_id: UUID, report: EventReport) -> None:
        self.report = report
        self.target: Target | None = None
        self.error: BillingError | None = None
        self.is_stranger = False
        self.meter: MeterName | None = None
        self.customer: CustomerName | None = None
        try:
            self.meter = name_meter(organization_id, report)
            self.customer = name_customer(organization_id, report)
        except BillingError as error:
            self.error = error


class Targets:
    """All that the reports of one transaction name."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._named: dict[tuple[str | UUID | None, ...], NamedTarget] = {}
        self._meters: dict[MeterName, MeterRow] = {}

    def name(self, organization_id: UUID, organization: str, report: EventReport) -> NamedTarget:
        """The target of a report, shared with all reports of the same wording."""
        wording = (
            organization,
            report.meter_token,
            report.customer_external_id,
            report.meter_name,
            report.meter_id,
            report.customer_id,
        )
        named = self._named.get(wording)
        if named is None:
            named = self._named[wording] = NamedTarget(organization_id, report)
        return named

    async def find(self) -> None:
        """Every target is found, refused, or a stranger."""
        wanted = [one for one in self._named.values() if one.error is None]
        self._meters = await self._find_meters({one.meter for one in wanted if one.meter})
        wanted = [one for one in wanted if self._has_meter(one)]
        names = {one.customer for one in wanted if one.customer}
        customers = await find_customers(self._connection, names) if names else {}
        for one in wanted:
            self._settle(one, customers.get(one.customer) if one.customer else None)

    async def introduce(self, strangers: Iterable[NamedTarget]) -> None:
        """Strangers are customers now, where the organization wants that (CONTRACT 31)."""
        wanted = list({id(one): one for one in strangers}.values())
        names = {one.customer for one in wanted if one.customer}
        await insert_customers(self._connection, names, now=self._now)
        customers = await find_customers(self._connection, names)
        for one in wanted:
            customer = customers.get(one.customer) if one.customer else None
            if customer is None:
                one.target, one.error = None, _unknown_customer(one.report)
            else:
                self._settle(one, customer)

    async def _find_meters(self, names: Collection[MeterName]) -> dict[MeterName, MeterRow]:
        found = await find_meters(self._connection, names) if names else {}
        # Until its first event a meter can be edited: hold it, and read it again.
        new = {name for name, row in found.items() if not row.has_events}
        if new:
            found |= await find_meters(self._connection, new, lock=True)
        return found

    def _has_meter(self, one: NamedTarget) -> bool:
        if one.meter in self._meters:
            return True
        one.error = _unknown("Meter", one.report, "meter_token", "meter_id", "meter_name")
        return False

    def _settle(self, one: NamedTarget, customer: CustomerRow | None) -> None:
        if one.meter is None or one.customer is None:
            return
        one.is_stranger = customer is None and one.customer.kind == "external_id"
        if customer is None and not one.is_stranger:
            one.error = _unknown_customer(one.report)
            return
        meter = self._meters[one.meter]
        one.target = Target(
            scope=EventScope(meter.organization_id, meter.id, customer.id if customer else _NOBODY),
            aggregation=Aggregation(meter.aggregation_type),
            property_name=meter.property_name,
            filters=parse_filters(meter.filters),
            clock_time=customer.clock_time if customer else None,
        )


def _unknown_customer(report: EventReport) -> NotFound:
    return _unknown("Customer", report, "customer_external_id", "customer_id")


def _unknown(noun: str, report: EventReport, *fields: str) -> NotFound:
    field = next(name for name in fields if getattr(report, name) is not None)
    return NotFound(f"{noun} not found.", code=f"{noun.lower()}_not_found", field=field)
