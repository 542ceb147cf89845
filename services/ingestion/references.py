"""Targets: the meters and customers that reports name, looked up once for each wording."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from psycopg import AsyncConnection

from billing.errors import BillingError, NotFound
from billing.metering.aggregations import Aggregation
from billing.metering.filters import parse_filters
from billing.texts.names import is_reachable, unreachable
from repositories.ingestion.references import (
    CustomerName,
    CustomerRow,
    MeterName,
    MeterRow,
    find_named,
    insert_customers,
    lock_meters,
)
from repositories.ingestion.writer import EventScope
from services.ingestion.event_input import (
    EventReport,
    MeterRules,
    Target,
    name_customer,
    name_meter,
)
from services.required import not_found

_NOBODY = "00000000-0000-0000-0000-000000000000"


class _NamedMeter:
    """One wording of a meter, and what it names. ``targets`` are its customers, as worded."""

    __slots__ = ("error", "id", "name", "report", "rules", "targets")

    def __init__(self, organization: str, report: EventReport) -> None:
        self.report = report
        self.targets: dict[_NamedCustomer, NamedTarget] = {}
        self.name: MeterName | None = None
        self.error: BillingError | None = None
        self.id = ""
        self.rules: MeterRules | None = None
        try:
            self.name = name_meter(organization, report)
        except BillingError as error:
            self.error = error

    def settle(self, row: MeterRow | None) -> None:
        if row is None:
            fields = ("meter_token", "meter_id", "meter_name")
            self.error = self.error or _unknown("Meter", self.report, *fields)
            return
        self.id = row.id
        self.rules = MeterRules(
            aggregation=Aggregation(row.aggregation_type),
            property_name=row.property_name,
            filters=parse_filters(row.filters),
        )


class _NamedCustomer:
    """One wording of a customer, and whom it names."""

    __slots__ = ("error", "name", "report", "row")

    def __init__(self, organization: str, report: EventReport) -> None:
        self.report = report
        self.name: CustomerName | None = None
        self.error: BillingError | None = None
        self.row: CustomerRow | None = None
        try:
            self.name = name_customer(organization, report)
        except BillingError as error:
            self.error = error

    @property
    def is_stranger(self) -> bool:
        """Nobody yet, but somebody who may become a customer."""
        return self._is_new and self._is_reachable

    def refuse(self) -> BillingError:
        if self._is_new and not self._is_reachable:
            return unreachable("customer_external_id")
        fields = ("customer_external_id", "customer_id")
        return self.error or _unknown("Customer", self.report, *fields)

    @property
    def _is_new(self) -> bool:
        return self.row is None and self.name is not None and self.name.kind == "external_id"

    @property
    def _is_reachable(self) -> bool:
        return self.name is not None and is_reachable(self.name.value)


class NamedTarget:
    """A meter and a customer as some reports name them: found, or refused with an error.

    A stranger's target serves to read reports with; it stores nothing before the introduction.
    """

    __slots__ = ("customer", "error", "is_stranger", "meter", "organization", "target")

    def __init__(self, organization: str, meter: _NamedMeter, customer: _NamedCustomer) -> None:
        self.organization = organization
        self.meter = meter
        self.customer = customer
        self.target: Target | None = None
        self.error: BillingError | None = None
        self.is_stranger = False

    def settle(self, *, may_be_stranger: bool) -> None:
        """Say what was found."""
        rules, row = self.meter.rules, self.customer.row
        self.target = None
        self.is_stranger = may_be_stranger and self.customer.is_stranger
        self.error = self.meter.error
        if rules is None:
            return
        if row is None and not self.is_stranger:
            self.error = self.customer.refuse()
            return
        self.target = Target(
            scope=EventScope(self.organization, self.meter.id, row.id if row else _NOBODY),
            rules=rules,
            clock_time=row.clock_time if row else None,
        )


class OrganizationTargets:
    """The targets that reports of one organization name."""

    def __init__(self, organization: str) -> None:
        self._organization = organization
        self.meters: dict[tuple[str | None, ...], _NamedMeter] = {}
        self.customers: dict[tuple[str | None, ...], _NamedCustomer] = {}

    def name(self, report: EventReport) -> NamedTarget:
        """The target of a report, shared with all reports of the same wording."""
        worded = (report.meter_token, report.meter_name, report.meter_id)
        meter = self.meters.get(worded)
        if meter is None:
            meter = self.meters[worded] = _NamedMeter(self._organization, report)
        whose = (report.customer_external_id, report.customer_id)
        customer = self.customers.get(whose)
        if customer is None:
            customer = self.customers[whose] = _NamedCustomer(self._organization, report)
        named = meter.targets.get(customer)
        if named is None:
            named = meter.targets[customer] = NamedTarget(self._organization, meter, customer)
        return named


class Targets:
    """All that the reports of one transaction name."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._organizations: dict[str, OrganizationTargets] = {}

    def of(self, organization: str) -> OrganizationTargets:
        """The targets of one organization."""
        named = self._organizations.get(organization)
        if named is None:
            named = self._organizations[organization] = OrganizationTargets(organization)
        return named

    async def find(self) -> None:
        """Every target is found, refused, or a stranger."""
        organizations = self._organizations.values()
        meters = [one for named in organizations for one in named.meters.values()]
        customers = [one for named in organizations for one in named.customers.values()]
        found = await find_named(
            self._connection,
            {one.name for one in meters if one.name is not None},
            {one.name for one in customers if one.name is not None},
        )
        meter_rows = await self._hold_new(found.meters)
        for meter in meters:
            meter.settle(meter_rows.get(meter.name) if meter.name else None)
        for customer in customers:
            customer.row = found.customers.get(customer.name) if customer.name else None
        for meter in meters:
            for target in meter.targets.values():
                target.settle(may_be_stranger=True)

    async def _hold_new(self, found: dict[MeterName, MeterRow]) -> dict[MeterName, MeterRow]:
        """Until its first event a meter can be edited or deleted: hold it, and read it again."""
        new = {name for name, row in found.items() if not row.has_events}
        if not new:
            return found
        settled = {name: row for name, row in found.items() if name not in new}
        return settled | await lock_meters(self._connection, new)

    async def introduce(self, strangers: Iterable[NamedTarget]) -> None:
        """Strangers are customers now, where the organization wants that (CONTRACT 31)."""
        wanted = list(strangers)
        customers = {one.customer for one in wanted}
        names = {one.name for one in customers if one.name is not None}
        await insert_customers(self._connection, names, now=self._now)
        found = await find_named(self._connection, (), names)
        for customer in customers:
            customer.row = found.customers.get(customer.name) if customer.name else None
        for one in wanted:
            one.settle(may_be_stranger=False)


def _unknown(noun: str, report: EventReport, *fields: str) -> NotFound:
    field = next(name for name in fields if getattr(report, name) is not None)
    return not_found(noun, field=field)
