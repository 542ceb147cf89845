"""Signed receipts, their chain and their keys, as statements over arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from models.invoicing.invoices import Invoice
from models.invoicing.receipts import ReceiptChain, SignedReceipt
from repositories.array_text import array, optional, quoted

LOOKUP: Final = "receipt_id"
"""By what a transaction sees one receipt before it knows whose it is."""


# What each invoice was computed from, in the revision that it shows. Row by row, each by its key:
# without statistics the planner would rather read whole tables. The invoices of a wave are of few
# plan versions, whose terms are the longest column: each is read and sent once.
_LIST_BASES: Final = text(
    """
    SELECT asked.invoice_id, receipt.engine_version, receipt.plan_version, receipt.revision,
        receipt.period_start, receipt.period_end, receipt.watermark, receipt.inputs_digest,
        receipt.lines_digest, receipt.created_at,
        concat(asked.organization_id, run.plan_id, receipt.plan_version) AS version,
        -- Of the first row of a version.
        CASE WHEN row_number() OVER (
            PARTITION BY asked.organization_id, run.plan_id, receipt.plan_version
        ) = 1 THEN (
            SELECT terms::text FROM plan_version
            WHERE organization_id = asked.organization_id AND plan_id = run.plan_id
                AND version = receipt.plan_version
        ) END AS terms
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:invoices AS uuid[]))
        AS asked (organization_id, invoice_id)
    -- Of what people edited nothing was computed.
    CROSS JOIN LATERAL (
        SELECT subscription_id, period_index, revision FROM invoice
        WHERE organization_id = asked.organization_id AND id = asked.invoice_id AND NOT is_edited
        LIMIT 1
    ) AS invoice
    CROSS JOIN LATERAL (
        SELECT * FROM invoice_receipt
        WHERE organization_id = asked.organization_id AND invoice_id = asked.invoice_id
            AND revision = invoice.revision
        LIMIT 1
    ) AS receipt
    -- The plan is the one that the usage was measured for.
    CROSS JOIN LATERAL (
        SELECT (content ->> 'plan_id')::uuid AS plan_id FROM billing_run
        WHERE organization_id = asked.organization_id AND revision = invoice.revision
            AND subscription_id = invoice.subscription_id
            AND period_index = invoice.period_index AND step = 'usage'
        LIMIT 1
    ) AS run
    """
)

_INSERT: Final = text(
    """
    INSERT INTO signed_receipt (organization_id, id, invoice_id, sequence, previous_digest, content,
        digest, key_id, signature, created_at)
    SELECT organization_id, id, invoice_id, sequence, previous_digest, content::jsonb, digest,
        key_id, signature, :created_at
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:ids AS uuid[]), CAST(:invoices AS uuid[]),
        CAST(:sequences AS bigint[]), CAST(:previous AS text[]), CAST(:contents AS text[]),
        CAST(:digests AS text[]), CAST(:keys AS text[]), CAST(:signatures AS text[]))
        AS new (organization_id, id, invoice_id, sequence, previous_digest, content, digest, key_id,
            signature)
    """
)

_EXTEND: Final = text(
    """
    UPDATE receipt_chain SET last_sequence = new.last_sequence, last_digest = new.last_digest
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:sequences AS bigint[]),
        CAST(:digests AS text[])) AS new (organization_id, last_sequence, last_digest)
    WHERE receipt_chain.organization_id = new.organization_id
    """
)

_BEGIN: Final = text(
    """
    INSERT INTO receipt_chain (organization_id, last_sequence, created_at)
    SELECT organization_id, 0, :now FROM unnest(CAST(:organizations AS uuid[])) AS organization_id
    ORDER BY organization_id ON CONFLICT DO NOTHING
    """
)

_LOCK: Final = text(
    """
    SELECT organization_id, last_sequence, last_digest FROM receipt_chain
    WHERE organization_id = ANY (CAST(:organizations AS uuid[]))
    ORDER BY organization_id FOR UPDATE
    """
)


# What was made before the chain began may have been issued before it, and on a test clock an
# instant says nothing of when it was written.
_LIST_WITHOUT: Final = text(
    """
    SELECT invoice.id, invoice.invoice_number
    FROM receipt_chain AS chain
    JOIN invoice ON invoice.organization_id = chain.organization_id AND invoice.status <> 'DRAFT'
    JOIN customer ON customer.organization_id = invoice.organization_id
        AND customer.id = invoice.customer_id
    LEFT JOIN signed_receipt AS receipt ON receipt.organization_id = invoice.organization_id
        AND receipt.invoice_id = invoice.id
    WHERE chain.organization_id = :organization_id AND receipt.id IS NULL
        AND (invoice.created_at >= chain.created_at
            OR customer.test_clock_id IS NULL AND invoice.finalized_at >= chain.created_at)
    ORDER BY invoice.id LIMIT 1000
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a generated invoice was computed from, and the text of its plan version."""

    engine_version: str
    plan_version: int
    revision: int
    period_start: datetime
    period_end: datetime
    watermark: int
    inputs_digest: str
    lines_digest: str
    created_at: datetime
    terms: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """A receipt that is to be added; ``content`` is the text that is digested and signed."""

    organization_id: UUID
    id: UUID
    invoice_id: UUID
    sequence: int
    previous_digest: str | None
    content: str
    digest: str
    key_id: str | None
    signature: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """The newest receipt of an organization: its place, and what the next one is bound to."""

    sequence: int
    digest: str | None


def lock_chains(
    session: Session, organization_ids: Collection[UUID], *, now: datetime
) -> dict[UUID, ChainEnd]:
    """Where each chain ends; until the transaction ends nobody else adds to them.

    Locked in the order of the organizations. One that has none yet begins now.
    """
    wanted = {"organizations": sorted(organization_ids)}
    found = session.execute(_LOCK, wanted).all()
    if len(found) < len(wanted["organizations"]):
        session.execute(_BEGIN, {**wanted, "now": now})
        found = session.execute(_LOCK, wanted).all()
    return {row[0]: ChainEnd(sequence=row[1], digest=row[2]) for row in found}


def list_bases(session: Session, invoices: Sequence[Invoice]) -> dict[UUID, Basis]:
    """What each invoice was computed from, by its id; none of one that people wrote or edited."""
    rows = session.execute(
        _LIST_BASES,
        {
            "organizations": array(str(one.organization_id) for one in invoices),
            "invoices": array(str(one.id) for one in invoices),
        },
    )
    found = rows.all()
    terms = {row.version: row.terms for row in found if row.terms is not None}
    names = [*Basis.__dataclass_fields__]
    return {
        row[0]: Basis(**dict(zip(names, (*row[1:-2], terms[row.version]), strict=True)))
        for row in found
        if row.version in terms
    }


def insert_receipts(session: Session, receipts: Sequence[NewReceipt], *, now: datetime) -> None:
    """Add receipts, each organization's in its order, and move the ends of their chains.

    The caller has locked the chains. A second receipt of an invoice, or a second successor of a
    receipt, is refused by the database.
    """
    session.execute(
        _INSERT,
        {
            "organizations": array(str(one.organization_id) for one in receipts),
            "ids": array(str(one.id) for one in receipts),
            "invoices": array(str(one.invoice_id) for one in receipts),
            "sequences": array(str(one.sequence) for one in receipts),
            "previous": array(optional(one.previous_digest) for one in receipts),
            "contents": array(quoted(one.content) for one in receipts),
            "digests": array(one.digest for one in receipts),
            "keys": array(optional(one.key_id) for one in receipts),
            "signatures": array(optional(one.signature) for one in receipts),
            "created_at": now,
        },
    )
    ends: dict[UUID, NewReceipt] = {one.organization_id: one for one in receipts}
    session.execute(
        _EXTEND,
        {
            "organizations": array(map(str, ends)),
            "sequences": array(str(one.sequence) for one in ends.values()),
            "digests": array(one.digest for one in ends.values()),
        },
    )


def find_chain(session: Session, organization_id: UUID) -> ReceiptChain | None:
    """Where the chain of an organization ends, None if it has not begun."""
    return session.get(ReceiptChain, organization_id)


def count_receipts(session: Session, organization_id: UUID) -> tuple[int, int]:
    """How many receipts the chain has had, and how many of them are there."""
    chain = find_chain(session, organization_id)
    present = session.exec(
        select(func.count()).where(SignedReceipt.organization_id == organization_id)
    ).one()
    return (0 if chain is None else chain.last_sequence), present


def find_of_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> SignedReceipt | None:
    """The signed receipt of an invoice, None of a draft and of what was issued before receipts."""
    return session.exec(
        select(SignedReceipt).where(
            SignedReceipt.organization_id == organization_id,
            SignedReceipt.invoice_id == invoice_id,
        )
    ).one_or_none()


def find_by_id(session: Session, receipt_id: UUID) -> SignedReceipt | None:
    """The receipt that the transaction looks up, whosoever it is."""
    return session.exec(select(SignedReceipt).where(SignedReceipt.id == receipt_id)).one_or_none()


def find_by_digest(session: Session, organization_id: UUID, digest: str) -> SignedReceipt | None:
    """The receipt with this digest, or None."""
    return session.exec(
        select(SignedReceipt).where(
            SignedReceipt.organization_id == organization_id, SignedReceipt.digest == digest
        )
    ).one_or_none()


def list_without(session: Session, organization_id: UUID) -> Sequence[tuple[UUID, str | None]]:
    """Invoices, issued since the chain began, that have no receipt: id and number."""
    rows = session.execute(_LIST_WITHOUT, {"organization_id": organization_id})
    return [(row[0], row[1]) for row in rows]


def list_after(
    session: Session, organization_id: UUID, sequence: int, *, limit: int
) -> Sequence[SignedReceipt]:
    """The receipts of an organization behind a place in its chain, in their order."""
    return session.exec(
        select(SignedReceipt)
        .where(
            SignedReceipt.organization_id == organization_id,
            col(SignedReceipt.sequence) > sequence,
        )
        .order_by(col(SignedReceipt.sequence))
        .limit(limit)
    ).all()
