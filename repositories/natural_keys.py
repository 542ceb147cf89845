"""Ids by the names that people give to things: one indexed statement each (CONTRACT 96)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from sqlmodel import Session, col, select

from models.catalog.features import Feature
from models.catalog.meters import Meter
from models.catalog.plans import Plan, PlanFeature
from models.customers import Customer
from models.invoicing.invoices import Invoice


def find_customer_id(session: Session, organization_id: UUID, external_id: str) -> UUID | None:
    """The customer known by this external id and not deleted, or None."""
    return session.exec(
        select(Customer.id).where(
            Customer.organization_id == organization_id,
            Customer.external_id == external_id,
            col(Customer.deleted_at).is_(None),
        )
    ).one_or_none()


def find_plan_id(session: Session, organization_id: UUID, lookup_id: str) -> UUID | None:
    """The plan known by this lookup id and not deleted, or None."""
    return session.exec(
        select(Plan.id).where(
            Plan.organization_id == organization_id,
            Plan.lookup_id == lookup_id,
            col(Plan.deleted_at).is_(None),
        )
    ).one_or_none()


def find_feature_id(session: Session, organization_id: UUID, lookup_key: str) -> UUID | None:
    """The feature known by this lookup key and not deleted, or None."""
    return session.exec(
        select(Feature.id).where(
            Feature.organization_id == organization_id,
            Feature.lookup_key == lookup_key,
            col(Feature.deleted_at).is_(None),
        )
    ).one_or_none()


def find_meter_id(session: Session, organization_id: UUID, meter_name: str) -> UUID | None:
    """The meter of this name that is not deleted, or None."""
    return session.exec(
        select(Meter.id).where(
            Meter.organization_id == organization_id,
            Meter.meter_name == meter_name,
            col(Meter.deleted_at).is_(None),
        )
    ).one_or_none()


def find_invoice_id(session: Session, organization_id: UUID, invoice_number: str) -> UUID | None:
    """The invoice of this number, or None."""
    return session.exec(
        select(Invoice.id).where(
            Invoice.organization_id == organization_id, Invoice.invoice_number == invoice_number
        )
    ).one_or_none()


def find_plan_feature_id(
    session: Session, organization_id: UUID, plan_id: UUID, lookup_key: str
) -> UUID | None:
    """What the plan grants of the feature known by this lookup key, or None."""
    return session.exec(
        select(PlanFeature.id)
        .join(
            Feature,
            (col(Feature.organization_id) == PlanFeature.organization_id)
            & (col(Feature.id) == PlanFeature.feature_id),
        )
        .where(
            PlanFeature.organization_id == organization_id,
            PlanFeature.plan_id == plan_id,
            Feature.lookup_key == lookup_key,
            col(Feature.deleted_at).is_(None),
        )
    ).one_or_none()


FIND: Final[Mapping[str, Callable[[Session, UUID, str], UUID | None]]] = {
    "customer": find_customer_id,
    "plan": find_plan_id,
    "feature": find_feature_id,
    "meter": find_meter_id,
    "invoice": find_invoice_id,
}
"""By the noun that is named."""
