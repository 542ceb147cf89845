"""Plans, their charges, what they grant, and their versions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from billing.rating.terms import ChargeStatus
from models.catalog.plans import Charge, Plan, PlanFeature
from repositories.asynchronous.prefetched import prefetchable
from repositories.row_keys import among

VERSION_TERMS = text(
    "SELECT terms::text FROM plan_version"
    " WHERE organization_id = :organization_id AND plan_id = :plan_id"
    " AND version = coalesce(CAST(:version AS integer), version)"
    " ORDER BY version DESC LIMIT 1"
)


def insert_plan(session: Session, plan: Plan) -> None:
    """Store a new plan. Raises IntegrityError ``uq_plan_lookup_id``."""
    session.add(plan)
    session.flush()


def find_plan(session: Session, organization_id: UUID, plan_id: UUID) -> Plan | None:
    """The plan, or None. Deleted ones keep their subscriptions' history, so they are included."""
    return session.get(Plan, (organization_id, plan_id))


def list_plan_names(
    session: Session, organization_id: UUID, plan_ids: Collection[UUID]
) -> dict[UUID, str]:
    """The names of these plans, deleted or not."""
    found = select(Plan.id, Plan.name).where(
        Plan.organization_id == organization_id, col(Plan.id).in_(plan_ids)
    )
    return {row[0]: row[1] for row in session.exec(found)}


def lock_plan(
    session: Session, organization_id: UUID, plan_id: UUID, *, share: bool = False
) -> Plan | None:
    """The plan with its row locked, or None. Deleted ones are included.

    ``share`` keeps the plan from being edited or deleted until the transaction ends, without
    keeping others from subscribing to it.
    """
    return session.exec(
        select(Plan)
        .where(Plan.organization_id == organization_id, Plan.id == plan_id)
        .with_for_update(read=share, key_share=not share)
        .execution_options(populate_existing=True)
    ).one_or_none()


def share_plans(session: Session, keys: Collection[tuple[UUID, UUID]]) -> None:
    """The plans, named with their organizations, are locked as by sharing, in order."""
    key = (col(Plan.organization_id), col(Plan.id))
    session.exec(
        select(Plan.id).where(among(keys, *key)).order_by(*key).with_for_update(read=True)
    ).all()


def insert_charge(session: Session, charge: Charge) -> None:
    """Store a new charge."""
    session.add(charge)
    session.flush()


def find_charge(
    session: Session, organization_id: UUID, plan_id: UUID, charge_id: UUID
) -> Charge | None:
    """The charge of that plan, or None."""
    charge = session.get(Charge, (organization_id, charge_id))
    return charge if charge is not None and charge.plan_id == plan_id else None


def list_active_charges(session: Session, organization_id: UUID, plan_id: UUID) -> Sequence[Charge]:
    """The active charges of a plan, oldest first."""
    return session.exec(
        select(Charge)
        .where(
            Charge.organization_id == organization_id,
            Charge.plan_id == plan_id,
            Charge.status == ChargeStatus.ACTIVE,
        )
        .order_by(col(Charge.position))
    ).all()


def count_charges(session: Session, organization_id: UUID, plan_id: UUID) -> int:
    """How many charges a plan has ever had."""
    return session.exec(
        select(func.count()).where(
            Charge.organization_id == organization_id, Charge.plan_id == plan_id
        )
    ).one()


def list_charged_meters(session: Session, organization_id: UUID, plan_id: UUID) -> Sequence[UUID]:
    """The meters that the active charges of a plan are on, each once, in order."""
    meter_ids = session.exec(
        select(Charge.meter_id)
        .distinct()
        .where(
            Charge.organization_id == organization_id,
            Charge.plan_id == plan_id,
            Charge.status == ChargeStatus.ACTIVE,
        )
        .order_by(col(Charge.meter_id))
    )
    return [meter_id for meter_id in meter_ids if meter_id is not None]


def list_plans_charging(session: Session, organization_id: UUID, meter_id: UUID) -> Sequence[UUID]:
    """The plans that are not deleted and charge a meter, in the order in which they are locked."""
    return session.exec(
        select(Plan.id)
        .distinct()
        .join(
            Charge,
            (col(Charge.organization_id) == Plan.organization_id)
            & (col(Charge.plan_id) == Plan.id),
        )
        .where(
            Plan.organization_id == organization_id,
            Charge.meter_id == meter_id,
            Charge.status == ChargeStatus.ACTIVE,
            col(Plan.deleted_at).is_(None),
        )
        .order_by(col(Plan.id))
    ).all()


def insert_plan_feature(session: Session, plan_feature: PlanFeature) -> None:
    """Store what a plan grants. Raises IntegrityError ``uq_plan_feature``."""
    session.add(plan_feature)
    session.flush()


def delete_plan_feature(session: Session, plan_feature: PlanFeature) -> None:
    """The plan no longer grants it; its older versions still say that it did."""
    session.delete(plan_feature)
    session.flush()


def find_plan_feature(
    session: Session, organization_id: UUID, plan_id: UUID, plan_feature_id: UUID
) -> PlanFeature | None:
    """What that plan grants under this id, or None."""
    granted = session.get(PlanFeature, (organization_id, plan_feature_id))
    return granted if granted is not None and granted.plan_id == plan_id else None


def list_plan_features(
    session: Session, organization_id: UUID, plan_id: UUID
) -> Sequence[PlanFeature]:
    """All that a plan grants, oldest first."""
    return session.exec(
        select(PlanFeature)
        .where(PlanFeature.organization_id == organization_id, PlanFeature.plan_id == plan_id)
        .order_by(col(PlanFeature.created_at), col(PlanFeature.id))
    ).all()


@prefetchable
def find_version_terms(
    session: Session, organization_id: UUID, plan_id: UUID, version: int | None
) -> str | None:
    """The JSON of a version's terms, of the newest version where none is named, or None."""
    keys = {"organization_id": organization_id, "plan_id": plan_id, "version": version}
    session.flush()  # plain statements do not do it by themselves
    found: str | None = session.execute(VERSION_TERMS, keys).scalar_one_or_none()
    return found
