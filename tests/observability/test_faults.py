"""Each rule fires by its fault, caused for real on a running installation (``make alerts``)."""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from api.reads.measures_cache import CACHED_SECONDS
from tests.observability.breaking import BILLED, invoices_of, lasting, subscribe, wait_for
from tests.observability.watched import CHECKED, MISSING, Scrape, Watched, findings_in
from tests.scenarios.account import Account, Refused

pytestmark = pytest.mark.skipif(
    "FLUXRATE_ALERTS" not in os.environ, reason="takes minutes: make alerts"
)


def test_healthy_hour_is_quiet(watched: Watched, healthy: Scrape, tmp_path: Path) -> None:
    again = watched.scrape()

    assert watched.fires([healthy, again], after=60, folder=tmp_path) == set()


def test_receiver_that_is_broken(
    watched: Watched, account: Account, plan: dict[str, str], tmp_path: Path
) -> None:
    before = watched.scrape()
    for _ in range(4):
        account.post(
            "/webhook-endpoints",
            {"url": "http://127.0.0.1:9/in", "events": ["subscription.created"]},
        )
    subscribe(account, plan, "2027-01-01T00:00:00Z")
    failures = 'fluxrate_deliveries_total{job="%s",relay="webhooks",result="failure"}'
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        after = watched.scrape()
        if sum(after.get(failures % job, 0) for job in ("api", "worker")) >= 4:
            break
        time.sleep(1)

    found = watched.fires([before, before, after], after=5, folder=tmp_path)
    for endpoint in account.get("/webhook-endpoints")["data"]:
        account.request("DELETE", f"/webhook-endpoints/{endpoint['id']}")

    assert "FluxrateDeliveriesFail" in found


def test_events_that_are_refused_or_late(
    watched: Watched, account: Account, plan: dict[str, str], tmp_path: Path
) -> None:
    del plan
    before = watched.scrape()
    late = [account.event("api_calls", BILLED, 1, "2026-01-10T00:00:00Z") for _ in range(15)]
    wrong = [{"meter_name": "unheard_of"} for _ in range(15)]
    account.post("/usage/batch", [*late, *wrong])
    after = watched.scrape()

    found = watched.fires([before, before, after], after=5, folder=tmp_path)
    assert "FluxrateEventsRefused" in found
    assert "FluxrateEventsLate" in watched.fires([before, before, after], after=30, folder=tmp_path)


def test_usage_that_nobody_pays(watched: Watched, account: Account, tmp_path: Path) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    account.track("api_calls", f"stranger-{uuid4()}", 7, now)
    after = watched.check()

    assert after['fluxrate_coverage_findings{job="api",kind="unbilled_usage"}'] >= 1
    assert "FluxrateUsageUncharged" in watched.fires([after], after=185, folder=tmp_path)


def test_workflows_that_are_gone(watched: Watched, healthy: Scrape, tmp_path: Path) -> None:
    del healthy
    before = watched.scrape()
    found = watched.lose_workflows()
    again = watched.lose_workflows()

    fired = watched.fires([before, found, again], after=75, folder=tmp_path)
    assert {"FluxrateWorkflowsWereMissing", "FluxrateRepairDoesNotHelp"} <= fired
    mended = watched.check_until(lambda shown: shown[MISSING] == 0)
    fired = watched.fires([before, found, again, mended], after=75, folder=tmp_path)
    assert "FluxrateRepairDoesNotHelp" not in fired, findings_in(mended)


def test_messages_that_do_not_leave(
    watched: Watched, account: Account, plan: dict[str, str], tmp_path: Path
) -> None:
    with watched.stopped("temporal"):
        account.post("/organization/sandbox")
        subscribe(account, plan, "2027-01-01T00:00:00Z")
        aged = watched.execute(
            "UPDATE outbox_message SET created_at = created_at - interval '10 minutes'"
        )
        assert aged >= 1
        after = watched.until('fluxrate_outbox_oldest_seconds{kind="owner"}', 300)

    assert "FluxrateOutboxOld" in watched.fires([after], after=10, folder=tmp_path)


def test_database_that_is_away(watched: Watched, tmp_path: Path) -> None:
    before = watched.scrape()
    with watched.stopped("postgres"):
        time.sleep(CACHED_SECONDS + 1)
        after = watched.scrape()

    assert "FluxrateDatabaseAway" in watched.fires([before, after], after=10, folder=tmp_path)


def test_draft_whose_workflow_forgot_it(
    watched: Watched, account: Account, plan: dict[str, str], tmp_path: Path
) -> None:
    subscribe(account, plan, "2026-10-01T00:00:00Z")
    wait_for(lambda: any(one["status"] == "DRAFT" for one in invoices_of(account)))
    forgotten = watched.execute(
        "UPDATE invoice SET scheduled_finalize_at = now() - interval '1 hour'"
        " WHERE status = 'DRAFT'"
    )
    assert forgotten >= 1
    after = watched.until("fluxrate_oldest_unfinalized_draft_seconds", 300)

    assert "FluxrateDraftNotFinal" in watched.fires([after], after=10, folder=tmp_path)


def test_api_that_is_away(watched: Watched, tmp_path: Path) -> None:
    before = watched.scrape()
    with watched.stopped("api"):
        after = watched.scrape()

    assert "FluxrateApiAway" in watched.fires([before, after], after=15, folder=tmp_path)


def test_receipt_that_was_taken_away(watched: Watched, tmp_path: Path) -> None:
    newest = "SELECT max(sequence) FROM signed_receipt"
    assert watched.execute(f"DELETE FROM signed_receipt WHERE sequence = ({newest})") == 1
    after = watched.check()

    assert after['fluxrate_coverage_findings{job="api",kind="receipt_missing"}'] >= 1
    assert "FluxrateMoneyContradicted" in watched.fires([after], after=1, folder=tmp_path)


def test_audit_entry_that_was_changed(
    watched: Watched, account: Account, plan: dict[str, str], tmp_path: Path
) -> None:
    subscribe(account, plan, "2026-09-01T00:00:00Z")
    watched.execute("ALTER TABLE audit_entry DISABLE TRIGGER keep_entries")
    first = "SELECT entry_id FROM audit_link WHERE position = 2"
    assert watched.execute(f"UPDATE audit_entry SET actor = 'x' WHERE id IN ({first})") >= 1
    after = watched.check()

    assert after['fluxrate_coverage_findings{job="api",kind="audit_log_changed"}'] >= 1
    assert "FluxrateMoneyContradicted" in watched.fires([after], after=1, folder=tmp_path)


def test_bill_that_cannot_go_on(
    watched: Watched, account: Account, plan: dict[str, str], tmp_path: Path
) -> None:
    with watched.stopped("worker"):
        subscribe(account, plan, "2026-09-01T00:00:00Z")
        hidden = watched.execute("UPDATE plan_version SET terms = terms || '{\"charges\": 7}'")
        assert hidden >= 1
    before = watched.scrape()
    for _ in range(3):
        with pytest.raises(Refused):
            subscribe(account, plan, "2026-09-01T00:00:00Z")
    failing = watched.scrape()
    assert "FluxrateRequestsFail" in watched.fires(
        lasting(before, failing, 12), after=0, folder=tmp_path
    )
    after = watched.until('fluxrate_bills_needing_attention{work="generator"}', 1)

    assert "FluxrateBillNeedsAttention" in watched.fires([after], after=10, folder=tmp_path)


def test_version_of_a_plan_that_was_changed(watched: Watched, tmp_path: Path) -> None:
    # The fault of the test before: what was issued does not come out of it any more.
    after = watched.check()

    assert after[CHECKED.replace("{", '{job="api",')] > 0
    assert "FluxrateInvoiceDiffers" in watched.fires([after], after=1, folder=tmp_path)
