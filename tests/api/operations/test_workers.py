"""The health of the workers over the API (CONTRACT 4.13)."""

from __future__ import annotations

import pytest

from tests.api.people import Person


@pytest.mark.parametrize("path", ["/api/v1/workers/health", "/workers/health"])
def test_health_of_the_workers_needs_no_credentials(visitor: Person, path: str) -> None:
    answer = visitor.get(path)

    assert answer.status_code == 200
    assert answer.json() == {
        "timestamp": "2026-03-02T08:00:00Z",
        "overall_status": "unknown",
        "scheduler": {
            "running": True,
            "jobs": [
                {
                    "id": "invoice_generation",
                    "next_run_time": None,
                    "trigger": "cron[hour='*', minute='0']",
                },
                {
                    "id": "invoice_finalization",
                    "next_run_time": None,
                    "trigger": "cron[minute='*/5']",
                },
            ],
        },
        "workers": {
            name: {"status": "unknown", "consecutive_failures": 0, "last_run": None}
            for name in ("invoice_generator", "invoice_finalizer")
        },
    }


def test_next_run_is_told_as_an_instant(owner: Person) -> None:
    customer = owner.post("/api/v1/customers", json={"name": "Harbor", "email": "a@harbor.test"})
    plan = owner.post(
        "/api/v1/plans",
        json={
            "name": "Studio",
            "lookup_id": "studio",
            "type": "FIXED",
            "billing_interval": "month",
            "currency": "USD",
        },
    )
    created = owner.post(
        "/api/v1/subscriptions",
        json={
            "customer_id": customer.json()["id"],
            "plan_id": plan.json()["id"],
            "start_date": "2026-03-01T00:00:00Z",
        },
    )
    assert created.status_code == 201, created.text

    jobs = owner.get("/api/v1/workers/health").json()["scheduler"]["jobs"]

    assert jobs[0]["next_run_time"] == "2026-04-01T00:00:00Z"


def test_metrics_show_what_waits_for_people_and_what_checks_repaired(visitor: Person) -> None:
    shown = visitor.get("/metrics").text

    assert 'fluxrate_bills_needing_attention{work="generator"} 0.0' in shown
    assert 'fluxrate_bills_needing_attention{work="finalizer"} 0.0' in shown
    assert "fluxrate_audit_owners_repaired_total 0.0" in shown
