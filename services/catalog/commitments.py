"""Commitments of plans: immutable facts that can only be ended. Each edit leaves a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.commitments.terms import CommitmentTerms
from billing.errors import Conflict, InvalidInput
from billing.identifiers import ChargeId
from billing.money import ONE
from billing.rating.terms import Effective
from models.base import new_id
from models.catalog.commitments import Commitment
from models.catalog.plans import Plan
from repositories.catalog import commitments as stored_commitments
from repositories.catalog import plans as stored_plans
from services.audit_log import record
from services.catalog.edits import Edited, EditReach, publish_edit
from services.catalog.plans import lock_plan
from services.catalog.versions import to_commitment_terms
from services.required import not_found, require_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCommitment:
    """What customers of the plan owe of a term at least.

    Units: ``amount`` in major units of the plan's currency for ``term_periods`` billing periods; no
    ``charge_ids`` means all charges in money. What is beyond is due ``overage_factor`` times.
    """

    amount: Decimal
    charge_ids: Sequence[UUID] = ()
    term_periods: int = 1
    overage_factor: Decimal = ONE


def add_commitment(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    command: AddCommitment,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Edited[Commitment]:
    """The plan has the commitment, and a next version.

    Raises NotFound for an unknown plan or charge, InvalidInput naming the field, Conflict
    ``commitment_overlaps`` where a charge would count for two.
    """
    plan = lock_plan(session, organization_id, plan_id)
    terms = CommitmentTerms(
        commitment_id=new_id(),
        amount=command.amount,
        charge_ids=tuple(ChargeId(one) for one in sorted(set(command.charge_ids))),
        term_periods=command.term_periods,
        overage_factor=command.overage_factor,
    )
    terms.require_whole(plan.currency)
    _require_charges(session, plan, terms)
    in_force = stored_commitments.list_in_force(session, organization_id, plan_id)
    if any(terms.meets(to_commitment_terms(one)) for one in in_force):
        raise Conflict(
            "A charge counts for one commitment of its plan at a time.",
            code="commitment_overlaps",
            field="charge_ids",
        )
    row = _row_of(plan, terms, now=now)
    stored_commitments.insert_commitment(session, row)
    reach = publish_edit(session, plan, {}, effective, now=now)
    _record(session, plan, row, "commitment.added", now=now)
    return Edited(result=row, reach=reach)


def list_commitments(
    session: Session, organization_id: UUID, plan_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Commitment], int]:
    """A page of what a plan commits to or did, oldest first. Raises NotFound."""
    require_plan(stored_plans.find_plan(session, organization_id, plan_id))
    return stored_commitments.list_commitments(
        session, organization_id, plan_id, offset=offset, limit=limit
    )


def end_commitment(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    commitment_id: UUID,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> EditReach:
    """The plan has the commitment no more, and a next version; terms that run end with it.

    Raises NotFound, also the second time.
    """
    plan = lock_plan(session, organization_id, plan_id)
    row = stored_commitments.find_commitment(session, organization_id, plan_id, commitment_id)
    if row is None or row.ended_at is not None:
        raise not_found("Commitment")
    row.ended_at = max(now, row.created_at)
    session.add(row)
    session.flush()
    reach = publish_edit(session, plan, {}, effective, now=now)
    _record(session, plan, row, "commitment.ended", now=now)
    return reach


def _require_charges(session: Session, plan: Plan, terms: CommitmentTerms) -> None:
    """Each is a charge that the plan has, and is priced in money."""
    active = {
        ChargeId(one.id): one
        for one in stored_plans.list_active_charges(session, plan.organization_id, plan.id)
    }
    for place, charge_id in enumerate(terms.charge_ids):
        charge = active.get(charge_id)
        if charge is None:
            raise not_found("Charge", field=f"charge_ids.{place}")
        if charge.unit is not None:
            raise InvalidInput(
                f"The charge is priced in {charge.unit}: credit pays it, and no commitment.",
                code="charge_in_unit",
                field=f"charge_ids.{place}",
            )


def _row_of(plan: Plan, terms: CommitmentTerms, *, now: datetime) -> Commitment:
    return Commitment(
        organization_id=plan.organization_id,
        id=terms.commitment_id,
        plan_id=plan.id,
        amount=terms.amount,
        charge_ids=list(terms.charge_ids),
        term_periods=terms.term_periods,
        overage_factor=terms.overage_factor,
        created_at=now,
    )


def _record(session: Session, plan: Plan, row: Commitment, action: str, *, now: datetime) -> None:
    said = {"amount": row.amount, "charge_ids": row.charge_ids, "term_periods": row.term_periods}
    record(
        session,
        plan.organization_id,
        action,
        "commitment",
        row.id,
        after={
            "plan_id": plan.id,
            "version": plan.version,
            **said,
            "overage_factor": row.overage_factor,
        },
        now=now,
    )
