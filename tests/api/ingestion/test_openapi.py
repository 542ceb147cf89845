"""The ingestion routes in the OpenAPI document."""

from __future__ import annotations

from tests.api.shared_document import shared_document


def test_ingestion_routes_are_described_by_their_structs() -> None:
    document = shared_document()

    for path in ("/sdk/track", "/usage", "/usage/batch"):
        assert "post" in document["paths"][f"/api/v1{path}"]
    fields = document["components"]["schemas"]["EventReport"]["properties"]
    assert {"meter_token", "customer_external_id", "quantity", "properties"} <= set(fields)
    assert "duplicate" in document["components"]["schemas"]["RecordedEvent"]["properties"]
    assert "get" in document["paths"]["/api/v1/usage"]
