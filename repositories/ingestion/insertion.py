"""One statement for identity, event and roll-up, and for whether it may store them yet."""

from __future__ import annotations

from typing import Final

from repositories.ingestion.needed_checks import NEEDED_CHECKS
from repositories.statement_text import LongStatement
from repositories.usage.figures import Figure, listed, names
from repositories.usage.properties.groups import ROLL_UP

INSERT_EVENTS: Final = LongStatement.of(
    f"""
-- Events that are on time, of whom nobody watches, are stored at once; of others nothing is.
WITH needed AS MATERIALIZED ({NEEDED_CHECKS}),
-- One number for the whole transaction: its rows are numbered up from it.
drawn AS MATERIALIZED (
    SELECT nextval('usage_arrival_sequence') AS first
),
-- What came, in the order that it came in; an event without a key goes by its id.
arrived AS MATERIALIZED (
    SELECT arrived.*, date_bin('1 hour', timestamp, timestamptz '2000-01-01Z') AS hour,
        counted AND NOT paused AS counts, coalesce(idempotency_key, id::text) AS key
    FROM unnest(
        %(organizations)s::uuid[], %(ids)s::uuid[], %(meters)s::uuid[], %(customers)s::uuid[],
        %(timestamps)s::timestamptz[], %(quantities)s::numeric[], %(distinct_values)s::text[],
        %(meta_data)s::text[], %(keys)s::text[], %(hashes)s::text[],
        %(counted)s::boolean[], %(late)s::boolean[], %(paused)s::boolean[]
    ) WITH ORDINALITY AS arrived(
        organization_id, id, meter_id, customer_id, timestamp, quantity, distinct_value,
        meta_data, idempotency_key, content_hash, counted, late, paused, place
    )
    WHERE NOT (SELECT has_flagged_spans OR has_limits OR has_alerts FROM needed)
),
-- Whose key was free. Keys are taken in one order, so that two batches cannot wait for each other;
-- of a key that comes twice in a batch the first one takes it.
identified AS (
    INSERT INTO usage_event_key AS known
        (organization_id, idempotency_key, event_id, timestamp, content_hash)
    SELECT organization_id, key, id, timestamp, decode(content_hash, 'hex')
    FROM arrived ORDER BY organization_id, key COLLATE "C", place
    ON CONFLICT (organization_id, idempotency_key) DO NOTHING
    RETURNING known.event_id
),
-- Only those are stored and rolled up: what was known already changes nothing below.
fresh AS MATERIALIZED (
    SELECT arrived.*, drawn.first + arrived.place - 1 AS arrival_sequence
    FROM arrived JOIN identified ON identified.event_id = arrived.id CROSS JOIN drawn
),
stored AS (
    INSERT INTO usage_event (
        organization_id, timestamp, id, meter_id, customer_id, quantity, distinct_value,
        meta_data, idempotency_key, arrival_sequence, counted, late, paused, ingested_at
    )
    SELECT organization_id, timestamp, id, meter_id, customer_id, quantity, distinct_value,
        meta_data::jsonb, idempotency_key, arrival_sequence, counted, late, paused,
        %(now)s
    FROM fresh
    ORDER BY organization_id, customer_id, meter_id, timestamp
),
-- Hours of customers, sorted for the same reason. An event that does not count is recorded there.
rolled AS (
    INSERT INTO usage_rollup AS held (
        organization_id, customer_id, meter_id, hour, recorded_count, event_count,
        {names()}, last_value, last_at, last_sequence, weighted_total
    )
    SELECT organization_id, customer_id, meter_id, hour, count(*),
        count(*) FILTER (WHERE counts),
        {listed(Figure.of_counted_events)},
        (array_agg(quantity ORDER BY timestamp DESC, place DESC) FILTER (WHERE counts))[1],
        max(timestamp) FILTER (WHERE counts),
        (array_agg(arrival_sequence ORDER BY timestamp DESC, place DESC) FILTER (WHERE counts))[1],
        coalesce(
            sum(quantity * (3600 - extract(epoch FROM timestamp - hour)) * 1000000)
                FILTER (WHERE counts),
            0
        )
    FROM fresh
    GROUP BY organization_id, customer_id, meter_id, hour
    ORDER BY organization_id, customer_id, meter_id, hour
    -- The newest value stays unless a later instant comes, or the same one by a later arrival.
    ON CONFLICT (organization_id, customer_id, meter_id, hour) DO UPDATE SET
        recorded_count = held.recorded_count + excluded.recorded_count,
        event_count = held.event_count + excluded.event_count,
        {listed(Figure.merged)},
        last_value = CASE WHEN (excluded.last_at, excluded.last_sequence)
                <= (held.last_at, held.last_sequence) OR excluded.last_at IS NULL
            THEN held.last_value ELSE excluded.last_value END,
        last_at = greatest(held.last_at, excluded.last_at),
        last_sequence = CASE WHEN (excluded.last_at, excluded.last_sequence)
                <= (held.last_at, held.last_sequence) OR excluded.last_at IS NULL
            THEN held.last_sequence ELSE excluded.last_sequence END,
        weighted_total = held.weighted_total + excluded.weighted_total
),
-- Each value of an hour once, as a fingerprint: values may be long and personal.
distinguished AS (
    INSERT INTO usage_distinct (organization_id, customer_id, meter_id, hour, value_hash)
    SELECT DISTINCT organization_id, customer_id, meter_id, hour,
        sha256(convert_to(distinct_value, 'UTF8')) AS value_hash
    FROM fresh WHERE distinct_value IS NOT NULL AND counts
    ORDER BY organization_id, customer_id, meter_id, hour, value_hash
    ON CONFLICT DO NOTHING
),
-- The groups that prices tell apart, of meters that have any.
grouped AS ({ROLL_UP}
)
SELECT (SELECT count(*) FROM identified), needed.* FROM needed
""",  # noqa: S608  (put together out of constants)
)
