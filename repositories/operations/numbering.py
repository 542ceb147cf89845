"""Whether every number that a series has given stands on a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

# A deleted draft leaves its number in the audit log. Numbers are unique by constraint, so that as
# many documents as numbers given means that none is left out. Grows with the documents of one
# organization, which are counted by their indexes.
_LIST_GAPS: Final = text(
    """
    -- Numbers of documents, and of drafts that were deleted.
    WITH used AS (
        SELECT invoice_number AS number FROM invoice
        WHERE organization_id = :organization_id AND invoice_number IS NOT NULL
        UNION
        SELECT number FROM credit_note WHERE organization_id = :organization_id
        UNION
        SELECT after ->> 'invoice_number' FROM audit_entry
        WHERE organization_id = :organization_id AND action = 'invoice.deleted'
            AND after ->> 'invoice_number' IS NOT NULL
    ),
    -- INV-2026-0012 is of the series INV and the year 2026.
    counted AS (
        SELECT split_part(number, '-', 1) AS series, split_part(number, '-', 2) AS year,
            count(*) AS present, max(split_part(number, '-', 3)::bigint) AS highest
        FROM used WHERE number ~ '^[A-Z]+-[0-9]{4}-[0-9]+$'
        GROUP BY 1, 2
    )
    -- What is missing, and what nobody gave.
    SELECT given.series, given.year, given.last_number, coalesce(counted.present, 0)
    FROM invoice_sequence AS given
    LEFT JOIN counted ON counted.series = given.series AND counted.year = given.year::text
    WHERE given.organization_id = :organization_id AND (
        given.last_number <> coalesce(counted.present, 0)
        OR given.last_number < counted.highest
    )
    ORDER BY given.series, given.year
    """
)


class NumberGap(NamedTuple):
    """A series and year with the numbers that it gave and those that are found."""

    series: str
    year: int
    given: int
    present: int


def list_number_gaps(session: Session, organization_id: UUID) -> Sequence[NumberGap]:
    """The series of which a number stands nowhere, or which gave fewer than are there."""
    rows = session.execute(_LIST_GAPS, {"organization_id": organization_id})
    return [NumberGap(*row) for row in rows]
