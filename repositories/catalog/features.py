"""Features."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from models.catalog.features import Feature
from models.catalog.plans import Plan, PlanFeature
from repositories.pages import read_page


def insert_feature(session: Session, feature: Feature) -> None:
    """Store a new feature. Raises IntegrityError ``uq_feature_lookup_key``."""
    session.add(feature)
    session.flush()


def find_feature(session: Session, organization_id: UUID, feature_id: UUID) -> Feature | None:
    """The feature, or None. Deleted ones are included."""
    return session.get(Feature, (organization_id, feature_id))


def lock_feature(
    session: Session, organization_id: UUID, feature_id: UUID, *, share: bool = False
) -> Feature | None:
    """The feature with its row locked, or None. Deleted ones are included.

    A feature is locked after its meter and before the plans that grant it, by everybody.
    """
    return session.exec(
        select(Feature)
        .where(Feature.organization_id == organization_id, Feature.id == feature_id)
        .with_for_update(read=share, key_share=not share)
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_features(
    session: Session, organization_id: UUID, *, type: str | None, offset: int, limit: int
) -> tuple[Sequence[Feature], int]:
    """A page of features that are not deleted, oldest first, and how many there are."""
    matching = select(Feature).where(
        Feature.organization_id == organization_id, col(Feature.deleted_at).is_(None)
    )
    if type is not None:
        matching = matching.where(Feature.type == type)
    return read_page(session, matching, offset=offset, limit=limit)


def list_features_by_id(
    session: Session, organization_id: UUID, feature_ids: Collection[UUID]
) -> dict[UUID, Feature]:
    """The features named, by their id, as they are in the database now."""
    rows = session.exec(
        select(Feature)
        .where(Feature.organization_id == organization_id, col(Feature.id).in_(feature_ids))
        .execution_options(populate_existing=True)
    )
    return {feature.id: feature for feature in rows}


def list_features_of_meter(
    session: Session, organization_id: UUID, meter_id: UUID
) -> Sequence[Feature]:
    """The features on a meter that are not deleted, oldest first."""
    return session.exec(
        select(Feature)
        .where(
            Feature.organization_id == organization_id,
            Feature.meter_id == meter_id,
            col(Feature.deleted_at).is_(None),
        )
        .order_by(col(Feature.created_at), col(Feature.id))
    ).all()


def list_plans_granting(
    session: Session, organization_id: UUID, feature_id: UUID
) -> Sequence[UUID]:
    """The plans that are not deleted and grant a feature, in the order in which they are locked."""
    return session.exec(
        select(Plan.id)
        .join(
            PlanFeature,
            (col(PlanFeature.organization_id) == Plan.organization_id)
            & (col(PlanFeature.plan_id) == Plan.id),
        )
        .where(
            Plan.organization_id == organization_id,
            PlanFeature.feature_id == feature_id,
            col(Plan.deleted_at).is_(None),
        )
        .order_by(col(Plan.id))
    ).all()
