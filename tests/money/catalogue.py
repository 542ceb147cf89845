"""A world of the journal, opened in a real database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from billing.rating.terms import ChargeStatus, ChargeType, FeatureType, OverLimit
from models.catalog.features import Feature
from repositories.catalog import commitments as stored_commitments
from repositories.catalog import plans as stored_plans
from repositories.transactions import Transactions
from services.accounts import settings as organizations
from services.accounts.settings import ChangeSettings
from services.catalog import charges, commitments, grants
from services.catalog.charges import AddCharge
from services.catalog.commitments import AddCommitment
from services.catalog.grants import Grant
from services.catalog.meters import CreateMeter, MeterDetails
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.subscriptions import clocks
from tests.money.model.agreements import Commitment
from tests.money.model.journal import Allowance, Charge, Meter, Opened, Plan
from tests.services.shop import NOW, Shop, open_shop

CURRENCIES = {0: "JPY", 2: "USD", 3: "KWD"}
"""A currency for each number of decimal places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """An organization that sells to one customer, and the ids behind the journal's names."""

    shop: Shop
    clock_id: UUID
    customer_id: UUID
    features: dict[str, Feature] = field(default_factory=dict)
    plans: dict[str, UUID] = field(default_factory=dict)
    charges: dict[UUID, str] = field(default_factory=dict)


def open_market(transactions: Transactions, opened: Opened) -> Market:
    """Everything is set up, and nothing subscribed yet."""
    shop = open_shop(transactions)
    settings = {
        "late_usage": opened.late_usage,
        "grace_period_minutes": opened.grace_minutes,
        "proration": opened.proration,
    }
    with transactions.for_organization(shop.organization_id) as session:
        change = ChangeSettings(values=settings)
        organizations.change_settings(session, shop.organization_id, change, now=opened.at)
    clock = shop.do(clocks.create_clock, "life", opened.at)
    details = CustomerDetails(name="Harbor Labs", billing_address_country="GB")
    customer = shop.do(create_customer, CreateCustomer(details=details, test_clock_id=clock.id))
    market = Market(shop=shop, clock_id=clock.id, customer_id=customer.id)
    for meter in opened.meters:
        market.features[meter.name] = _add_feature(shop, meter)
    for plan in opened.plans:
        _add_plan(market, plan, CURRENCIES[opened.places])
    return market


def _add_feature(shop: Shop, meter: Meter) -> Feature:
    details = MeterDetails(
        aggregation_type=Aggregation(meter.aggregation),
        carry_forward=meter.carries,
        property_name="who" if meter.aggregation == "UNIQUE_COUNT" else None,
    )
    command = CreateMeter(meter_name=meter.name, details=details)
    return shop.add_feature(meter.name, FeatureType.METER, meter=command)


def _add_plan(market: Market, plan: Plan, currency: str) -> None:
    interval = Interval(plan.interval)
    stored = market.shop.add_plan(plan.name, billing_interval=interval, currency=currency)
    market.plans[plan.name] = stored.id
    with market.shop.transactions.for_organization(market.shop.organization_id) as session:
        _fill(session, market, plan)


def edit_plan(market: Market, plan: Plan) -> None:
    """A plan has other charges and grants from now on: all, or none where one is refused."""
    shop, plan_id = market.shop, market.plans[plan.name]
    with shop.transactions.for_organization(shop.organization_id) as session:
        for former in stored_plans.list_active_charges(session, shop.organization_id, plan_id):
            charges.set_charge_status(
                session, shop.organization_id, plan_id, former.id, ChargeStatus.INACTIVE, now=NOW
            )
        for granted in stored_plans.list_plan_features(session, shop.organization_id, plan_id):
            grants.remove_plan_feature(session, shop.organization_id, plan_id, granted.id, now=NOW)
        for ended in stored_commitments.list_in_force(session, shop.organization_id, plan_id):
            commitments.end_commitment(session, shop.organization_id, plan_id, ended.id, now=NOW)
        _fill(session, market, plan)


def _fill(session: Session, market: Market, plan: Plan) -> None:
    organization_id, plan_id = market.shop.organization_id, market.plans[plan.name]
    for allowance in plan.allowances:
        feature = market.features[allowance.meter]
        grant = Grant(**_grant(allowance))
        grants.add_plan_feature(session, organization_id, plan_id, feature.id, grant, now=NOW)
    ids: dict[str, UUID] = {}
    for charge in plan.charges:
        command = _charge(market, charge)
        added = charges.add_charge(session, organization_id, plan_id, command, now=NOW)
        market.charges[added.result.id] = charge.name
        ids[charge.name] = added.result.id
    if plan.commitment is not None:
        committed = _commitment(plan.commitment, ids)
        commitments.add_commitment(session, organization_id, plan_id, committed, now=NOW)


def _commitment(commitment: Commitment, ids: Mapping[str, UUID]) -> AddCommitment:
    return AddCommitment(
        amount=commitment.amount,
        charge_ids=[ids[name] for name in commitment.charges],
        term_periods=commitment.periods,
        overage_factor=commitment.factor,
    )


def _grant(allowance: Allowance) -> dict[str, Any]:
    return {
        "usage_limit": Decimal(allowance.units),
        "usage_reset_period": Interval(allowance.resets) if allowance.resets else None,
        "is_soft_limit": allowance.is_soft,
        "over_limit": OverLimit.WAIVE if allowance.waives else OverLimit.BILL,
    }


def _charge(market: Market, charge: Charge) -> AddCharge:
    if charge.meter is None:
        return AddCharge(type=ChargeType.FIXED, unit_price=charge.amount, display_name=charge.name)
    return AddCharge(
        type=ChargeType.USAGE,
        meter_id=market.features[charge.meter].meter_id,
        pricing=charge.pricing,
        group_by=["who"] if charge.groups else None,
        group_prices=[
            {"values": [who], "pricing": pricing} for who, pricing in charge.groups.items()
        ]
        if charge.groups
        else None,
        included_units=charge.included,
        minimum=charge.minimum,
        maximum=charge.maximum,
        display_name=charge.name,
    )
