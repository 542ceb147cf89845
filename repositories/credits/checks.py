"""What contradicts the invariants of credit, whoever wrote it."""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from billing.currencies import MINOR_UNIT_EXPONENTS


class CreditContradiction(NamedTuple):
    """A rule that does not hold, and where."""

    rule: str
    customer_id: UUID
    unit: str
    grant_id: UUID | None
    invoice_id: UUID | None


SUMS: Final = text(
    """
    -- The balance after each posting is the sum of the wallet's up to it, and none is missing.
    SELECT DISTINCT customer_id, unit, CAST(NULL AS uuid), CAST(NULL AS uuid)
    FROM (
        SELECT customer_id, unit, balance_after, position,
            sum(amount) OVER wallet AS total, row_number() OVER wallet AS number
        FROM credit_posting WHERE organization_id = :organization_id
        WINDOW wallet AS (PARTITION BY customer_id, unit ORDER BY position)
    ) AS posted
    WHERE balance_after <> total OR position <> number
    UNION ALL
    -- What rolled out of a grant is what was granted for it.
    SELECT one.customer_id, one.unit, one.id, CAST(NULL AS uuid)
    FROM credit_grant AS one
    LEFT JOIN (
        SELECT grant_id, sum(amount) AS amount FROM credit_posting
        WHERE organization_id = :organization_id AND kind = 'rolled' GROUP BY grant_id
    ) AS rolled ON rolled.grant_id = one.id
    LEFT JOIN (
        SELECT rolled_from, sum(amount) AS amount FROM credit_grant
        WHERE organization_id = :organization_id GROUP BY rolled_from
    ) AS made ON made.rolled_from = one.id
    WHERE one.organization_id = :organization_id
        AND coalesce(rolled.amount, 0) + coalesce(made.amount, 0) <> 0
    LIMIT 1000
    """
)

RESTS: Final = text(
    """
    -- A rest is what was posted of its grant up to then, between nothing and all of it.
    SELECT DISTINCT posted.customer_id, posted.unit, posted.grant_id, CAST(NULL AS uuid)
    FROM (
        SELECT customer_id, unit, grant_id, sequence, rest_after,
            sum(amount) OVER lot AS total, row_number() OVER lot AS number
        FROM credit_posting WHERE organization_id = :organization_id
        WINDOW lot AS (PARTITION BY grant_id ORDER BY sequence)
    ) AS posted
    JOIN credit_grant AS one ON one.organization_id = :organization_id AND one.id = posted.grant_id
    WHERE posted.rest_after <> posted.total OR posted.sequence <> posted.number
        OR posted.rest_after NOT BETWEEN 0 AND one.amount
    LIMIT 1000
    """
)

PARTS: Final = text(
    """
    -- All of a grant is used, expired, rolled, refunded, held or left, and none of it below zero.
    SELECT customer_id, unit, id, CAST(NULL AS uuid)
    FROM (
        SELECT one.customer_id, one.unit, one.id, one.amount,
            sum(posting.amount) FILTER (WHERE posting.kind = 'granted') AS granted,
            coalesce(-sum(posting.amount) FILTER (
                WHERE posting.kind IN ('drawn', 'returned')), 0) AS used,
            coalesce(-sum(posting.amount) FILTER (
                WHERE posting.kind IN ('held', 'released')), 0) AS held
        FROM credit_grant AS one
        JOIN credit_posting AS posting ON posting.organization_id = one.organization_id
            AND posting.grant_id = one.id
        WHERE one.organization_id = :organization_id
        GROUP BY one.organization_id, one.id
    ) AS parts
    WHERE granted IS DISTINCT FROM amount OR used < 0 OR held < 0
    UNION ALL
    -- An open hold has what it set aside; one that is over has nothing, and drew what it came to.
    SELECT hold.customer_id, hold.unit, CAST(NULL AS uuid), CAST(NULL AS uuid)
    FROM credit_hold AS hold
    CROSS JOIN LATERAL (
        SELECT coalesce(-sum(amount) FILTER (WHERE kind IN ('held', 'released')), 0) AS held,
            coalesce(-sum(amount) FILTER (WHERE kind = 'drawn'), 0) AS drawn
        FROM credit_posting AS posting
        WHERE posting.organization_id = hold.organization_id AND posting.hold_id = hold.id
    ) AS posted
    WHERE hold.organization_id = :organization_id AND (
        posted.held <> CASE WHEN hold.ended_at IS NULL THEN hold.amount ELSE 0 END
        OR posted.drawn <> coalesce(hold.settled_amount, 0)
    )
    LIMIT 1000
    """
)

LIVES: Final = text(
    """
    -- What was drawn could be used while its grant was alive, by its line's period or its hold.
    SELECT posting.customer_id, posting.unit, posting.grant_id, posting.invoice_id
    FROM credit_posting AS posting
    JOIN credit_grant AS one ON one.organization_id = posting.organization_id
        AND one.id = posting.grant_id
    -- It began with the posting that granted it.
    JOIN credit_posting AS begun ON begun.organization_id = posting.organization_id
        AND begun.grant_id = posting.grant_id AND begun.sequence = 1
    LEFT JOIN invoice_line AS line ON line.organization_id = posting.organization_id
        AND line.invoice_id = posting.invoice_id AND line.position = posting.line_position
    LEFT JOIN credit_hold AS hold ON hold.organization_id = posting.organization_id
        AND hold.id = posting.hold_id
    WHERE posting.organization_id = :organization_id AND posting.kind = 'drawn' AND (
        coalesce(line.period_start, hold.at, begun.at) >= one.expires_at
        OR coalesce(line.period_end, hold.ended_at, posting.at) < begun.at
    )
    LIMIT 1000
    """
)

KEYS: Final = text(
    """
    -- A key says what its posting does, so that no movement can be there twice under two keys.
    SELECT customer_id, unit, grant_id, invoice_id
    FROM credit_posting
    WHERE organization_id = :organization_id AND key IS DISTINCT FROM CASE kind
        WHEN 'granted' THEN 'grant/' || grant_id
        WHEN 'drawn' THEN CASE WHEN hold_id IS NULL
            THEN 'draw/' || invoice_id || '/' || line_position || '/' || grant_id
            ELSE 'settle/' || hold_id || '/' || grant_id END
        WHEN 'returned' THEN
            'return/' || coalesce(credit_note_id, invoice_id) || '/' || grant_id
        WHEN 'held' THEN 'hold/' || hold_id || '/' || grant_id
        WHEN 'released' THEN 'release/' || hold_id || '/' || grant_id
        ELSE key END
    UNION ALL
    SELECT customer_id, unit, grant_id, invoice_id FROM credit_posting
    WHERE organization_id = :organization_id AND kind IN ('expired', 'rolled')
        AND key NOT LIKE 'expire/' || grant_id || '%' AND key NOT LIKE 'roll/' || grant_id || '%'
    LIMIT 1000
    """
)

DRAWS: Final = text(
    """
    -- What a final invoice says that grants pay of its lines is what it drew from them; a draft
    -- drew nothing.
    SELECT invoice.customer_id, coalesce(posted.unit, said.unit), coalesce(said.grant_id,
        posted.grant_id), invoice.id
    FROM (
        SELECT draw.invoice_id, draw.line_position, draw.grant_id, draw.unit, draw.amount
        FROM invoice_draw AS draw
        JOIN invoice ON invoice.organization_id = draw.organization_id
            AND invoice.id = draw.invoice_id AND invoice.status <> 'DRAFT'
        WHERE draw.organization_id = :organization_id
    ) AS said
    FULL JOIN (
        SELECT invoice_id, line_position, grant_id, unit, -amount AS amount
        FROM credit_posting
        WHERE organization_id = :organization_id AND kind = 'drawn' AND invoice_id IS NOT NULL
    ) AS posted ON posted.invoice_id = said.invoice_id
        AND posted.line_position = said.line_position AND posted.grant_id = said.grant_id
    JOIN invoice ON invoice.organization_id = :organization_id
        AND invoice.id = coalesce(said.invoice_id, posted.invoice_id)
    WHERE posted.amount IS DISTINCT FROM said.amount OR posted.unit IS DISTINCT FROM said.unit
    LIMIT 1000
    """
)

REFUNDS: Final = text(
    """
    -- Credit notes on a purchase give back what the credit that was taken back had cost.
    SELECT one.customer_id, one.unit, one.id, one.invoice_id
    FROM credit_grant AS one
    JOIN invoice ON invoice.organization_id = one.organization_id AND invoice.id = one.invoice_id
        -- A void one gives back by being void.
        AND invoice.status <> 'VOID'
    CROSS JOIN LATERAL (
        -- What it sold, and what rolled over of that.
        WITH RECURSIVE sold AS (
            SELECT one.id, one.amount, one.cost_amount
            UNION ALL
            SELECT rest.id, rest.amount, rest.cost_amount FROM sold
            JOIN credit_grant AS rest ON rest.organization_id = :organization_id
                AND rest.rolled_from = sold.id
        )
        -- What leaves a grant costs what its rest cost before, less what it costs after.
        SELECT coalesce(sum(
            round(sold.cost_amount * (sold.amount - posting.rest_after) / sold.amount,
                places.number)
            - round(sold.cost_amount * (sold.amount - posting.rest_before) / sold.amount,
                places.number)
        ), 0) AS cost
        FROM sold
        JOIN unnest(CAST(:currencies AS text[]), CAST(:places AS integer[]))
            AS places (currency, number) ON places.currency = one.cost_currency
        JOIN credit_posting AS posting ON posting.organization_id = :organization_id
            AND posting.grant_id = sold.id AND posting.kind = 'refunded'
    ) AS refunded
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(line.amount), 0) AS amount
        FROM credit_note AS note
        JOIN credit_note_line AS line ON line.organization_id = note.organization_id
            AND line.credit_note_id = note.id
        WHERE note.organization_id = one.organization_id AND note.invoice_id = one.invoice_id
    ) AS given
    WHERE one.organization_id = :organization_id AND refunded.cost <> given.amount
    LIMIT 1000
    """
)

CAPS: Final = text(
    """
    -- In no local day and month did a rule try more often, or for more, than its caps say.
    SELECT DISTINCT rule.customer_id, rule.unit, CAST(NULL AS uuid), CAST(NULL AS uuid)
    FROM credit_top_up_rule AS rule
    JOIN organization ON organization.id = rule.organization_id
    JOIN LATERAL (
        SELECT grouping(day) = 0 AS is_day, count(*) AS tries, sum(amount) AS amount
        FROM (
            SELECT date_trunc('month', local.at) AS month, date_trunc('day', local.at) AS day,
                local.amount
            FROM (
                SELECT one.at AT TIME ZONE organization.timezone AS at, one.amount
                FROM credit_top_up AS one
                WHERE one.organization_id = rule.organization_id AND one.rule_id = rule.id
            ) AS local
        ) AS tried
        GROUP BY GROUPING SETS ((day), (month))
    ) AS spent ON true
    WHERE rule.organization_id = :organization_id AND CASE WHEN spent.is_day
        THEN spent.tries > rule.max_count_day OR spent.amount > rule.max_amount_day
        ELSE spent.tries > rule.max_count_month OR spent.amount > rule.max_amount_month END
    LIMIT 1000
    """
)

RULES: Final[dict[str, TextClause]] = {
    "zero_sums": SUMS,
    "rests_in_bounds": RESTS,
    "parts_make_the_whole": PARTS,
    "draws_within_life": LIVES,
    "moved_once": KEYS,
    "draws_as_billed": DRAWS,
    "refunds_cost_what_was_left": REFUNDS,
    "top_ups_within_caps": CAPS,
}
"""What contradicts each rule, and where."""

COUNTS: Final = text(
    """
    SELECT (SELECT count(*) FROM wallet WHERE organization_id = :organization_id),
        (SELECT count(*) FROM credit_grant WHERE organization_id = :organization_id)
    """
)


def list_contradictions(session: Session, organization_id: UUID) -> list[CreditContradiction]:
    """Everything that contradicts a rule, up to a thousand of each."""
    keys = {
        "organization_id": organization_id,
        "currencies": [*MINOR_UNIT_EXPONENTS],
        "places": [*MINOR_UNIT_EXPONENTS.values()],
    }
    return [
        CreditContradiction(rule, *row)
        for rule, statement in RULES.items()
        for row in session.execute(statement, _named_in(statement, keys))
    ]


def _named_in(statement: TextClause, keys: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in keys.items() if name in statement.compile().params}


def count(session: Session, organization_id: UUID) -> tuple[int, int]:
    """How many wallets and grants the organization has."""
    wallets, grants = session.execute(COUNTS, {"organization_id": organization_id}).one()
    return wallets, grants
