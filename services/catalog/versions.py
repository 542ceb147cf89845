"""Plan versions: the terms of a plan after each edit, kept for ever.

Every version holds the effective price of every charge, so a bill needs nothing else, and an edit
of a plan, a meter or a feature never changes what an older version says (CONTRACT 14 and 36).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlmodel import Session

from billing.commitments.terms import CommitmentTerms
from billing.errors import InvalidInput, InvariantBroken, NotFound
from billing.identifiers import ChargeId, FeatureId, MeterId, PlanId
from billing.invoicing.receipts import digest, from_document, to_document
from billing.periods import Interval
from billing.pricing import Flat, Pricing, resolve_pricing
from billing.rating.terms import (
    ChargeTerms,
    ChargeType,
    Effective,
    FeatureTerms,
    FeatureType,
    OverLimit,
    PlanTerms,
    PlanType,
    Shortfall,
)
from billing.units import Unit
from models.catalog.commitments import Commitment
from models.catalog.features import Feature
from models.catalog.meters import Meter
from models.catalog.plans import Charge, Plan, PlanFeature, PlanVersion
from repositories.catalog import commitments as stored_commitments
from repositories.catalog import features as stored_features
from repositories.catalog import meters as stored_meters
from repositories.catalog import plans as stored_plans
from repositories.catalog import versions as stored_versions
from repositories.catalog.history import PUBLISHED
from repositories.credits import wallets as stored_units
from services.audit_log import record
from services.catalog.group_prices import grouping_of


def get_terms(
    session: Session, organization_id: UUID, plan_id: UUID, version: int | None
) -> PlanTerms:
    """The terms of one version of a plan, of the newest where none is named. Raises NotFound."""
    document = stored_plans.find_version_terms(session, organization_id, plan_id, version)
    if document is None:
        raise NotFound(f"The plan has no version {version or 1}.", code="plan_version_not_found")
    return parse_terms(document)


def list_terms(
    session: Session, organization_id: UUID, keys: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], PlanTerms]:
    """The terms of versions that there are, each named with its plan, by one statement."""
    found = stored_versions.list_version_terms(session, organization_id, keys)
    return {key: parse_terms(document) for key, document in found.items()}


@lru_cache(maxsize=1024)
def parse_terms(document: str) -> PlanTerms:
    """Terms out of the text of a stored version."""
    # By the text itself, so that what a transaction takes back is never remembered under a name.
    return from_document(PlanTerms, json.loads(document))


def publish(
    session: Session,
    plan: Plan,
    *,
    effective: Effective = Effective.NEXT_PERIOD,
    now: datetime,
) -> PlanTerms:
    """The plan as it stands is kept as version ``plan.version``; the caller holds the plan's lock.

    Raises InvalidInput if it cannot be priced, its field being ``charges.<place>.<field>`` where a
    charge is to blame.
    """
    terms = build_terms(session, plan)
    document = to_document(terms)
    if not isinstance(document, dict):
        raise InvariantBroken("Terms of a plan are an object.", plan_id=str(plan.id))
    stored_versions.insert_version(
        session,
        PlanVersion(
            organization_id=plan.organization_id,
            plan_id=plan.id,
            version=plan.version,
            terms=document,
            effective=effective.value,
            created_at=now,
        ),
    )
    limited = [
        one.meter_id
        for one in terms.features
        if one.meter_id is not None and one.usage_limit is not None
    ]
    stored_versions.insert_limited_meters(session, plan.organization_id, limited)
    _record_publication(session, plan, terms, effective, now=now)
    return terms


def _record_publication(
    session: Session, plan: Plan, terms: PlanTerms, effective: Effective, *, now: datetime
) -> None:
    # The digest is also that of receipts: the log, the version and a bill name the same terms.
    said = {"version": plan.version, "effective": effective, "terms_digest": digest(terms)}
    record(session, plan.organization_id, PUBLISHED, "plan", plan.id, after=said, now=now)


def is_published(session: Session, plan: Plan) -> bool:
    """Whether the plan's newest version says what the plan says as it stands."""
    newest = get_terms(session, plan.organization_id, plan.id, plan.version)
    return build_terms(session, plan) == newest


def build_terms(session: Session, plan: Plan, charges: Sequence[Charge] | None = None) -> PlanTerms:
    """The terms of the plan as it stands, or with those ``charges`` in the place of its own.

    Raises InvalidInput if they cannot be priced, its field being ``charges.<place>.<field>`` where
    a charge is to blame.
    """
    if charges is None:
        charges = stored_plans.list_active_charges(session, plan.organization_id, plan.id)
    return PlanTerms(
        plan_id=PlanId(plan.id),
        version=plan.version,
        name=plan.name,
        type=PlanType(plan.type),
        currency=plan.currency,
        interval=Interval(plan.billing_interval),
        interval_count=plan.billing_interval_count,
        charges=_charge_terms(session, plan.organization_id, charges),
        features=_feature_terms(session, plan),
        commitments=tuple(
            to_commitment_terms(one)
            for one in stored_commitments.list_in_force(session, plan.organization_id, plan.id)
        ),
    )


def to_commitment_terms(row: Commitment) -> CommitmentTerms:
    """The commitment as a version says it."""
    return CommitmentTerms(
        commitment_id=row.id,
        amount=row.amount,
        charge_ids=tuple(ChargeId(one) for one in row.charge_ids),
        term_periods=row.term_periods,
        overage_factor=row.overage_factor,
    )


def _charge_terms(
    session: Session, organization_id: UUID, charges: Sequence[Charge]
) -> tuple[ChargeTerms, ...]:
    meter_ids = {charge.meter_id for charge in charges if charge.meter_id is not None}
    metered = stored_meters.list_meters_by_id(session, organization_id, meter_ids)
    codes = {charge.unit for charge in charges if charge.unit is not None}
    units = stored_units.list_units_by_code(session, organization_id, codes) if codes else {}
    terms = []
    for place, charge in enumerate(charges):
        meter = metered[charge.meter_id] if charge.meter_id is not None else None
        try:
            unit = units[charge.unit] if charge.unit is not None else None
            terms.append(_to_charge_terms(charge, meter, unit))
        except InvalidInput as error:
            raise InvalidInput(
                error.detail, code=error.code, field=f"charges.{place}.{error.field}"
            ) from error
    return tuple(terms)


def _to_charge_terms(charge: Charge, meter: Meter | None, unit: Unit | None) -> ChargeTerms:
    return ChargeTerms(
        charge_id=ChargeId(charge.id),
        type=ChargeType(charge.type),
        pricing=_effective_pricing(charge, meter),
        display_name=charge.display_name,
        unit_price=charge.unit_price,
        meter=stored_meters.to_meter_terms(meter) if meter is not None else None,
        included_units=charge.included_units,
        minimum=charge.minimum,
        maximum=charge.maximum,
        unit=unit,
        overage_rate=charge.overage_rate,
        shortfall=Shortfall(charge.shortfall),
        grouping=grouping_of(charge),
    )


def _effective_pricing(charge: Charge, meter: Meter | None) -> Pricing:
    if meter is not None:
        return resolve_pricing(
            pricing=charge.pricing,
            usage_pricing_rules=meter.usage_pricing_rules,
            unit_price=charge.unit_price,
        )
    if charge.unit_price is None:
        raise InvalidInput("A FIXED charge needs unit_price.", field="unit_price")
    return Flat(amount=charge.unit_price)


def _feature_terms(session: Session, plan: Plan) -> tuple[FeatureTerms, ...]:
    granted = stored_plans.list_plan_features(session, plan.organization_id, plan.id)
    known = stored_features.list_features_by_id(
        session, plan.organization_id, {one.feature_id for one in granted}
    )
    return tuple(_to_feature_terms(one, known[one.feature_id]) for one in granted)


def _to_feature_terms(granted: PlanFeature, feature: Feature) -> FeatureTerms:
    reset_period = granted.usage_reset_period
    return FeatureTerms(
        feature_id=FeatureId(feature.id),
        lookup_key=feature.lookup_key,
        name=feature.name,
        type=FeatureType(feature.type),
        meter_id=MeterId(feature.meter_id) if feature.meter_id is not None else None,
        is_enabled=granted.is_enabled,
        usage_limit=granted.usage_limit,
        usage_reset_period=Interval(reset_period) if reset_period is not None else None,
        is_soft_limit=granted.is_soft_limit,
        reject_over_limit=granted.reject_over_limit,
        over_limit=OverLimit(granted.over_limit),
        static_value=granted.static_value,
    )
