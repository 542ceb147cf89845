"""Features: what plans can grant."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.catalog.features import (
    EditedFeatureView,
    FeatureCreate,
    FeaturePatch,
    FeatureView,
    view_feature,
)
from api.schemas.catalog.plan_edits import with_reach
from api.schemas.common import any_case
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from billing.rating.terms import FeatureType
from services.catalog import features

router = Router(prefix="/features", tags=["Features"])


@router.post("", status_code=201, response_model=FeatureView)
def create_feature(
    body: FeatureCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Create a feature; one of type ``meter`` comes with its meter."""
    created = features.create_feature(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return respond(view_feature(created), 201)


@router.get("", response_model=PageOf[FeatureView])
def list_features(
    session: ReadSession,
    principal: Reader,
    page: PageDep,
    type: Annotated[FeatureType | None, any_case(FeatureType), Query()] = None,
) -> Response:
    """List features, oldest first."""
    found, total = features.list_features(
        session, principal.organization_id, type=type, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_feature(one) for one in found], page, total))


@router.get("/{feature_id}", response_model=FeatureView)
def get_feature(feature_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show a feature with its meter."""
    return respond(
        view_feature(features.get_feature(session, principal.organization_id, feature_id))
    )


@router.patch("/{feature_id}", response_model=EditedFeatureView)
def update_feature(
    feature_id: UUID,
    body: FeaturePatch,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Rename or describe a feature."""
    edited = features.update_feature(
        session,
        principal.organization_id,
        feature_id,
        body.command(),
        effective=body.effective,
        now=context.now(),
    )
    return respond(with_reach(EditedFeatureView, view_feature(edited.result), edited.reach))


@router.delete("/{feature_id}", status_code=204)
def delete_feature(
    feature_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Retire a feature that no plan grants, with its meter if nothing else uses that."""
    features.delete_feature(session, principal.organization_id, feature_id, now=context.now())
    return Response(status_code=204)
