"""Every rule fires by what it is for, and not by what almost is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from services.operations.findings import FindingKind
from tests.observability.promtool import OBSERVABILITY, RULES, alerts, firing, run

Series = Mapping[str, str]

NAMED: Final = re.compile(r'"(Fluxrate\w+)"')
KINDS: Final = re.compile(r'fluxrate_coverage_findings\{kind=~"([\w|]+)"')

HEALTHY: Series = {
    "fluxrate_oldest_unbilled_period_seconds": "0+0x600",
    "fluxrate_oldest_unfinalized_draft_seconds": "0+0x600",
    'fluxrate_period_closes_total{timing="on_time"}': "0+5x600",
    'fluxrate_period_closes_total{timing="late"}': "0+0x600",
    'fluxrate_bills_needing_attention{work="generator"}': "0+0x600",
    'fluxrate_coverage_findings{kind="gap"}': "0+0x600",
    'fluxrate_coverage_findings{kind="missing_owner"}': "0+0x600",
    'fluxrate_coverage_findings{kind="unbilled_usage"}': "0+0x600",
    'fluxrate_verify_differences{fault="plan_changed"}': "0+0x600",
    "fluxrate_audit_owners_repaired_total": "3+0x600",
    'fluxrate_check_timestamp_seconds{check="coverage"}': "1+60x600",
    'fluxrate_outbox_oldest_seconds{kind="owner"}': "1+0x600",
    'fluxrate_deliveries_total{relay="webhooks",result="success"}': "0+20x600",
    'fluxrate_deliveries_total{relay="webhooks",result="failure"}': "0+0x600",
    'fluxrate_payments_last_hour{status="succeeded"}': "30+0x600",
    'fluxrate_payments_last_hour{status="failed"}': "3+0x600",
    'fluxrate_events_total{result="accepted"}': "0+1000x600",
    'fluxrate_events_total{result="refused"}': "0+1x600",
    "fluxrate_late_events_total": "0+1x600",
    "fluxrate_worker_starts_total": "1+0x600",
    'fluxrate_queue_latency_seconds_bucket{kind="workflow",le="0.1"}': "0+100x600",
    'fluxrate_queue_latency_seconds_bucket{kind="workflow",le="15"}': "0+100x600",
    'fluxrate_queue_latency_seconds_bucket{kind="workflow",le="+Inf"}': "0+100x600",
    'fluxrate_http_requests_total{status="200"}': "0+1000x600",
    'fluxrate_http_requests_total{status="503"}': "0+1x600",
}
"""What an installation shows where all is well; each series may be replaced by a worse one."""

WEBHOOKS = 'fluxrate_deliveries_total{relay="webhooks",result="failure"}'
FAILED = 'fluxrate_payments_last_hour{status="failed"}'
QUICK = 'fluxrate_queue_latency_seconds_bucket{kind="workflow",le="0.1"}'
CHECKED = 'fluxrate_check_timestamp_seconds{check="coverage"}'

FIRES: Mapping[str, tuple[Series, int]] = {
    "FluxratePeriodUnbilled": ({"fluxrate_oldest_unbilled_period_seconds": "301+60x20"}, 6),
    "FluxrateDraftNotFinal": ({"fluxrate_oldest_unfinalized_draft_seconds": "301+60x20"}, 6),
    "FluxratePeriodsClosedLate": (
        {'fluxrate_period_closes_total{timing="late"}': "0 0 0 1+0x30"},
        5,
    ),
    "FluxrateBillNeedsAttention": (
        {'fluxrate_bills_needing_attention{work="generator"}': "1+0x20"},
        6,
    ),
    "FluxrateMoneyContradicted": ({'fluxrate_coverage_findings{kind="gap"}': "1+0x20"}, 1),
    "FluxrateRepairDoesNotHelp": (
        {'fluxrate_coverage_findings{kind="missing_owner"}': "1+0x90"},
        71,
    ),
    "FluxrateUsageUncharged": (
        {'fluxrate_coverage_findings{kind="unbilled_usage"}': "1+0x300"},
        181,
    ),
    "FluxrateInvoiceDiffers": ({'fluxrate_verify_differences{fault="plan_changed"}': "1x9"}, 1),
    "FluxrateWorkflowsWereMissing": (
        {"fluxrate_audit_owners_repaired_total": "3 3 3 3 4+0x90"},
        6,
    ),
    "FluxrateNobodyChecks": ({CHECKED: "1+0x200"}, 131),
    "FluxrateNeverChecked": ({CHECKED: "0+0x200"}, 91),
    "FluxrateOutboxOld": ({'fluxrate_outbox_oldest_seconds{kind="owner"}': "301+60x20"}, 6),
    "FluxrateDeliveriesFail": ({WEBHOOKS: "0+2x30"}, 16),
    "FluxratePaymentsFail": ({FAILED: "31+0x20"}, 6),
    "FluxrateEventsRefused": ({'fluxrate_events_total{result="refused"}': "0+60x30"}, 16),
    "FluxrateEventsLate": ({"fluxrate_late_events_total": "0+110x90"}, 61),
    "FluxrateApiAway": (
        {
            'fluxrate_events_total{result="accepted"}': "0 _x30",
            'fluxrate_events_total{result="refused"}': "0 _x30",
            "fluxrate_late_events_total": "0 _x30",
        },
        15,
    ),
    "FluxrateDatabaseAway": ({"fluxrate_oldest_unbilled_period_seconds": "0 _x30"}, 10),
    "FluxrateWorkerAway": ({"fluxrate_worker_starts_total": "1 _x30"}, 15),
    "FluxrateQueueSlow": ({QUICK: "0+50x30"}, 15),
    "FluxrateRequestsFail": ({'fluxrate_http_requests_total{status="503"}': "0+20x30"}, 15),
}
"""For each alert what is shown, and after how many minutes it fires."""

QUIET: Mapping[str, tuple[Series, int]] = {
    "a period ended lately": ({"fluxrate_oldest_unbilled_period_seconds": "300+0x20"}, 15),
    "a wave that ends in time": (
        {"fluxrate_oldest_unbilled_period_seconds": "0 100 200 301 350 400 450 0+0x20"},
        15,
    ),
    "a bill that was mended at once": (
        {'fluxrate_bills_needing_attention{work="generator"}': "0 1 1 1 0+0x20"},
        15,
    ),
    "a workflow that the check repaired": (
        {'fluxrate_coverage_findings{kind="missing_owner"}': "1x60 0+0x60"},
        100,
    ),
    "a check that was late": ({CHECKED: "1+0x129"}, 129),
    "a new installation": ({CHECKED: "0x59 3540+60x60"}, 100),
    "a receiver that failed twice": ({WEBHOOKS: "0 1 2+0x30"}, 16),
    "one webhook in thirty fails": (
        {
            WEBHOOKS: "0+1x60",
            'fluxrate_deliveries_total{relay="webhooks",result="success"}': "0+29x60",
        },
        30,
    ),
    "four payments, all failed": (
        {FAILED: "4+0x20", 'fluxrate_payments_last_hour{status="succeeded"}': "0+0x20"},
        15,
    ),
    "few events, some refused": (
        {
            'fluxrate_events_total{result="accepted"}': "0x5 1+0x30",
            'fluxrate_events_total{result="refused"}': "0x5 8+0x30",
            "fluxrate_late_events_total": "0+0x30",
        },
        10,
    ),
    "a worker that is restarted": ({"fluxrate_worker_starts_total": "1 _x3 1+0x30"}, 12),
    "a database that is restarted": (
        {"fluxrate_oldest_unbilled_period_seconds": "0 _x5 0+0x30"},
        12,
    ),
}
"""What is no reason to wake anybody."""


def test_prometheus_accepts_rules_and_configuration(tmp_path: Path) -> None:
    done = run("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr

    for name in ("prometheus.yml", "rules"):
        (tmp_path / name).symlink_to(OBSERVABILITY / name)
    (tmp_path / "operator-token").write_text("token")
    done = run("check", "config", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_and_a_runbook() -> None:
    runbook = (OBSERVABILITY.parents[1] / "docs/operators/alerts.md").read_text()
    anchors = {line[3:].lower() for line in runbook.splitlines() if line.startswith("## ")}
    named = set(RULES.read_text().split("runbook: docs/operators/alerts.md#")[1:])

    assert set(FIRES) == alerts()
    assert {one.split()[0] for one in named} <= anchors


def test_every_alert_is_caused_for_real() -> None:
    """By a test of ``make alerts`` that breaks an installation, besides the series here."""
    tests = Path(__file__).parent.glob("test_faults*.py")
    caused = {name for one in tests for name in NAMED.findall(one.read_text())}

    assert caused == alerts()


def test_every_kind_of_finding_has_its_alert() -> None:
    told = [kind for kinds in KINDS.findall(RULES.read_text()) for kind in kinds.split("|")]

    # Bills that wait for people are counted by themselves.
    kinds = set(FindingKind) - {FindingKind.NEEDS_ATTENTION}
    assert sorted(told) == sorted(kind.value for kind in kinds)


def test_healthy_installation_is_quiet_for_hours(tmp_path: Path) -> None:
    for minutes in (0, 1, 10, 60, 90, 240, 590):
        assert firing(HEALTHY, minutes=minutes, folder=tmp_path) == set()


@pytest.mark.parametrize("name", FIRES)
def test_alert_fires_by_its_fault_alone(name: str, tmp_path: Path) -> None:
    series, minutes = FIRES[name]

    assert firing({**HEALTHY, **series}, minutes=minutes, folder=tmp_path) == {name}


@pytest.mark.parametrize("case", QUIET)
def test_what_passes_wakes_nobody(case: str, tmp_path: Path) -> None:
    series, minutes = QUIET[case]

    assert firing({**HEALTHY, **series}, minutes=minutes, folder=tmp_path) == set()
