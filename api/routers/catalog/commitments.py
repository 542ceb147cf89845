"""What plans commit their customers to (docs/concepts/commitments.md)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.catalog.commitments import (
    CommitmentCreate,
    CommitmentView,
    EditedCommitmentView,
    view_commitment,
)
from api.schemas.catalog.plan_edits import EffectiveChoice, with_reach
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.catalog import commitments

router = Router(prefix="/plans/{plan_id}/commitments", tags=["Plans"])


@router.post("", status_code=201, response_model=EditedCommitmentView)
def add_commitment(
    plan_id: UUID,
    body: CommitmentCreate,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Commit customers of a plan to an amount a term."""
    edited = commitments.add_commitment(
        session,
        principal.organization_id,
        plan_id,
        body.command(),
        effective=body.effective,
        now=context.now(),
    )
    shown = with_reach(EditedCommitmentView, view_commitment(edited.result), edited.reach)
    return respond(shown, 201)


@router.get("", response_model=PageOf[CommitmentView])
def list_commitments(
    plan_id: UUID, session: ReadSession, principal: Reader, page: PageDep
) -> Response:
    """List the commitments that a plan has or had, oldest first."""
    found, total = commitments.list_commitments(
        session, principal.organization_id, plan_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_commitment(one) for one in found], page, total))


@router.delete("/{commitment_id}", status_code=204)
def end_commitment(
    plan_id: UUID,
    commitment_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
    effective: Annotated[EffectiveChoice, Query()] = None,
) -> Response:
    """End a commitment: terms that run end with the last period that has it."""
    commitments.end_commitment(
        session,
        principal.organization_id,
        plan_id,
        commitment_id,
        effective=effective,
        now=context.now(),
    )
    return Response(status_code=204)
