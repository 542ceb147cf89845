"""Metrics for Prometheus (CONTRACT 35)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.metrics import CONTENT_TYPE, Metrics

router = APIRouter(tags=["Health"])


@router.get("/metrics", response_class=Response)
def get_metrics(request: Request) -> Response:
    """Show what this process has counted, in the text format of Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.render(), media_type=CONTENT_TYPE)
