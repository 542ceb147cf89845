"""Whether anything is to be looked up before some events are stored: for most of them nothing."""

from __future__ import annotations

from typing import Final, NamedTuple


class NeededChecks(NamedTuple):
    """What must be looked up for some events; where it is nothing, they are stored already."""

    has_flagged_spans: bool
    has_limits: bool
    has_alerts: bool


NEEDED_CHECKS: Final = """
SELECT
    -- A bill that is final and ends after the first event, or a pause that meets them.
    coalesce(bool_or(
        EXISTS (
            SELECT FROM subscription_period AS period
            WHERE period.organization_id = named.organization_id AND period.status = 'final'
                AND period.ends_at > %(first)s
        ) OR EXISTS (
            SELECT FROM subscription_pause AS pause
            WHERE pause.organization_id = named.organization_id
                AND pause.starts_at <= %(last)s
                AND (pause.ends_at IS NULL OR pause.ends_at > %(first)s)
        )
    ), false) AS has_flagged_spans,
    coalesce(bool_or(
        EXISTS (
            SELECT FROM limited_meter
            WHERE limited_meter.organization_id = named.organization_id
                AND limited_meter.meter_id = ANY (%(named_meters)s::uuid[])
        )
    ), false) AS has_limits,
    -- Whoever has an alert, or a threshold, is looked at once these are stored.
    coalesce(bool_or(
        EXISTS (
            SELECT FROM alert
            WHERE alert.organization_id = named.organization_id AND alert.deleted_at IS NULL
                AND alert.customer_id = ANY (%(named_customers)s::uuid[])
        ) OR EXISTS (
            SELECT FROM subscription
            WHERE subscription.organization_id = named.organization_id
                AND subscription.customer_id = ANY (%(named_customers)s::uuid[])
                AND subscription.threshold_amount IS NOT NULL
        )
    ), false) AS has_alerts
FROM unnest(%(named_organizations)s::uuid[]) AS named(organization_id)
WHERE NOT %(is_looked_up)s
"""
"""One row of three booleans, all false once everything was looked up.

Of whom the events are: ``named_organizations``, ``named_meters``, ``named_customers``; when:
``first`` and ``last``.
"""
