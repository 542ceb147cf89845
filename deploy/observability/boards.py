"""The four dashboards: money, work, usage, and what leaves the house."""

from __future__ import annotations

from typing import Final

from deploy.observability.panels import Dashboard, Panel

CLOSE_P: Final = (
    "histogram_quantile({q}, sum by (le) (rate(fluxrate_period_close_delay_seconds_bucket"
    '{{instance=~"$instance"}}[$__rate_interval])))'
)
QUEUE_P: Final = (
    "histogram_quantile(0.95, sum by (le, kind) (rate(fluxrate_queue_latency_seconds_bucket"
    '{instance=~"$instance"}[$__rate_interval])))'
)
ROUTE_P: Final = (
    "topk(10, histogram_quantile(0.95, sum by (le, route)"
    " (rate(fluxrate_http_request_duration_seconds_bucket"
    '{instance=~"$instance"}[$__rate_interval]))))'
)


def rate_of(counter: str, by: str) -> str:
    """The rate of a counter, by one of its labels."""
    return f'sum by ({by}) (rate({counter}{{instance=~"$instance"}}[$__rate_interval]))'


MONEY: Final = Dashboard(
    uid="fluxrate-money",
    title="Fluxrate: is the money right?",
    rows=(
        (
            Panel(
                title="What must always hold",
                queries=(("max by (invariant) (fluxrate_invariant_broken)", "{{invariant}}"),),
                kind="stat",
                alarm=1,
                says="0 holds, 1 is broken, -1: nobody looked. /status has the proofs.",
            ),
            Panel(
                title="Invoices of today computed again",
                queries=(("max(fluxrate_verified_invoices)", "computed again"),),
                kind="stat",
            ),
            Panel(
                title="Since the last check of everything",
                queries=(
                    ("time() - max by (check) (fluxrate_check_timestamp_seconds)", "{{check}}"),
                ),
                unit="s",
                kind="stat",
                alarm=7800,
            ),
        ),
        (
            Panel(
                title="Findings of the hourly check",
                queries=(("max by (kind) (fluxrate_coverage_findings) > 0", "{{kind}}"),),
                alarm=1,
            ),
            Panel(
                title="Invoices that do not come out as they were",
                queries=(("max by (fault) (fluxrate_verify_differences)", "{{fault}}"),),
                alarm=1,
            ),
        ),
        (
            Panel(
                title="Bills that wait for people",
                queries=(("max by (work) (fluxrate_bills_needing_attention)", "{{work}}"),),
                alarm=1,
            ),
            Panel(
                title="Workflows that the check woke",
                queries=(("max(increase(fluxrate_audit_owners_repaired_total[1h]))", "an hour"),),
                alarm=1,
            ),
        ),
    ),
)

WORK: Final = Dashboard(
    uid="fluxrate-work",
    title="Fluxrate: is everything billed in time?",
    rows=(
        (
            Panel(
                title="Oldest unbilled period",
                queries=(("max(fluxrate_oldest_unbilled_period_seconds)", "period"),),
                unit="s",
                alarm=300,
            ),
            Panel(
                title="Oldest draft that should be final",
                queries=(("max(fluxrate_oldest_unfinalized_draft_seconds)", "draft"),),
                unit="s",
                alarm=300,
            ),
        ),
        (
            Panel(
                title="Periods closed",
                queries=((rate_of("fluxrate_period_closes_total", "timing"), "{{timing}}"),),
                unit="ops",
            ),
            Panel(
                title="From the end of a period to its draft",
                queries=tuple((CLOSE_P.format(q=q), f"p{int(q * 100)}") for q in (0.5, 0.95, 0.99)),
                unit="s",
                alarm=300,
            ),
        ),
        (
            Panel(
                title="Tasks wait for a worker (p95)",
                queries=((QUEUE_P, "{{kind}}"),),
                unit="s",
                alarm=5,
            ),
            Panel(
                title="Processes of the worker that were started",
                queries=(("sum(increase(fluxrate_worker_starts_total[1h]))", "an hour"),),
            ),
        ),
    ),
)

USAGE: Final = Dashboard(
    uid="fluxrate-usage",
    title="Fluxrate: usage and requests",
    rows=(
        (
            Panel(
                title="Events",
                queries=((rate_of("fluxrate_events_total", "result"), "{{result}}"),),
                unit="ops",
            ),
            Panel(
                title="Events that come after their bill was final",
                queries=(("sum(rate(fluxrate_late_events_total[$__rate_interval]))", "late"),),
                unit="ops",
            ),
        ),
        (
            Panel(
                title="Requests",
                queries=((rate_of("fluxrate_http_requests_total", "status"), "{{status}}"),),
                unit="reqps",
            ),
            Panel(title="Slowest routes (p95)", queries=((ROUTE_P, "{{route}}"),), unit="s"),
        ),
    ),
)

DELIVERY: Final = Dashboard(
    uid="fluxrate-delivery",
    title="Fluxrate: what leaves the house",
    rows=(
        (
            Panel(
                title="Oldest message in the outbox",
                queries=(("max by (kind) (fluxrate_outbox_oldest_seconds)", "{{kind}}"),),
                unit="s",
                alarm=300,
            ),
            Panel(
                title="Messages in the outbox",
                queries=(("max by (kind) (fluxrate_outbox_messages)", "{{kind}}"),),
            ),
        ),
        (
            Panel(
                title="Deliveries",
                queries=(
                    (
                        rate_of("fluxrate_deliveries_total", "relay, result"),
                        "{{relay}}: {{result}}",
                    ),
                ),
                unit="ops",
            ),
            Panel(
                title="Payments of the last hour",
                queries=(("max by (status) (fluxrate_payments_last_hour)", "{{status}}"),),
            ),
        ),
    ),
)

DASHBOARDS: Final = (MONEY, WORK, USAGE, DELIVERY)
