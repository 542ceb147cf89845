"""The receipts of invoices that become final: each bound to the one before it, and signed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.receipts import canonical_bytes, digest, instant_text
from billing.rating.lines import as_computed
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.invoicing.receipts import ReceiptKey
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipt_keys as stored_keys
from repositories.invoicing import receipts as stored_receipts
from repositories.invoicing.receipts import Basis, ChainEnd, NewReceipt
from repositories.usage.hour_leaves import HoursDigest
from services.audit_log import record
from services.catalog import versions
from services.documents.contents import priced_line_of
from services.documents.deductions import describe_deductions, sign_deductions
from services.documents.evidence import describe_invoice
from services.receipts.inclusion import seal_hours
from services.receipts.signing import ReceiptSigner, signer_of


def link_receipts(session: Session, issued: Sequence[Invoice], *, now: datetime) -> None:
    """Invoices that have just become final have their receipts, in this order, for ever.

    Takes each organization's chain until the transaction ends. The invoices' lines are stored.
    Source: CONTRACT section 6, docs/decisions/0035.
    """
    if not issued:
        return
    organizations = {one.organization_id for one in issued}
    ends = stored_receipts.lock_chains(session, organizations, now=now)
    signer = signer_of(session)
    keys = _usable_keys(session, organizations, signer, now=now)
    bases = stored_receipts.list_bases(session, issued)
    hours = seal_hours(session, issued, bases)
    written = _digest_written(session, [one for one in issued if one.id not in bases])
    deductions = describe_deductions(session, issued)
    receipts = []
    for invoice in issued:
        organization_id = invoice.organization_id
        content = {
            **describe_issued(invoice, bases.get(invoice.id), written.get(invoice.id)),
            **_describe_hours(hours.get(invoice.id)),
            **sign_deductions(invoice, deductions.get((organization_id, invoice.id), {})),
            "created_at": instant_text(now),
        }
        receipt = _link(invoice, content, ends[organization_id], keys.get(organization_id), signer)
        ends[organization_id] = ChainEnd(sequence=receipt.sequence, digest=receipt.digest)
        receipts.append(receipt)
    stored_receipts.insert_receipts(session, receipts, now=now)


def describe_issued(
    invoice: Invoice, basis: Basis | None, written: str | None
) -> dict[str, str | int | None]:
    """What the receipt of an issued invoice says of it, before it is bound and signed.

    ``basis`` is None where people wrote it; then ``written`` is the digest of what they wrote.
    """
    assert invoice.finalized_at is not None
    return {
        **describe_invoice(invoice, basis),
        "lines_digest": basis.lines_digest if basis else written,
        "terms_digest": digest_terms(basis.terms) if basis else None,
    }


def _describe_hours(hours: HoursDigest | None) -> dict[str, str | int | None]:
    if hours is None:
        return {"hours_digest": None, "hours_watermark": None}
    return {"hours_digest": hours.digest, "hours_watermark": hours.watermark}


def rotate_key(
    session: Session, organization_id: UUID, signer: ReceiptSigner, *, now: datetime
) -> ReceiptKey:
    """Receipts are signed by a new key from now on; those before it stay published."""
    stored_receipts.lock_chains(session, [organization_id], now=now)
    stored_keys.retire_active_key(session, organization_id, now=now)
    key = signer.make_key(organization_id, now=now)
    stored_keys.insert_key(session, key)
    record(
        session,
        organization_id,
        "receipt_key.rotated",
        "receipt_key",
        key.id,
        after={"key_id": key.key_id},
        now=now,
    )
    return key


@lru_cache(maxsize=1024)
def digest_terms(document: str) -> str:
    """The digest of a plan version, given the text that it is stored as."""
    return digest(versions.parse_terms(document))


def _usable_keys(
    session: Session,
    organization_ids: Collection[UUID],
    signer: ReceiptSigner | None,
    *,
    now: datetime,
) -> Mapping[UUID, ReceiptKey]:
    """The keys that sign here, each made when its organization first needs one.

    None of an organization whose key was sealed by an operator's key that is not here: its bills
    do not wait for it. The caller holds the chains.
    """
    if signer is None:
        return {}
    keys = stored_keys.list_active_keys(session, organization_ids)
    for organization_id in sorted(set(organization_ids) - keys.keys()):
        keys[organization_id] = signer.make_key(organization_id, now=now)
        stored_keys.insert_key(session, keys[organization_id])
    return {whose: key for whose, key in keys.items() if signer.can_open(key)}


def _link(
    invoice: Invoice,
    content: Mapping[str, str | int | None],
    end: ChainEnd,
    key: ReceiptKey | None,
    signer: ReceiptSigner | None,
) -> NewReceipt:
    receipt_id = new_id()
    bound = {
        **content,
        "id": str(receipt_id),
        "sequence": end.sequence + 1,
        "previous_digest": end.digest,
        "key_id": None if key is None else key.key_id,
    }
    message = canonical_bytes(bound)
    return NewReceipt(
        organization_id=invoice.organization_id,
        id=receipt_id,
        invoice_id=invoice.id,
        sequence=end.sequence + 1,
        previous_digest=end.digest,
        content=message.decode(),
        digest=sha256(message).hexdigest(),
        key_id=None if key is None else key.key_id,
        signature=None if key is None or signer is None else signer.sign(key, message),
    )


def _digest_written(session: Session, invoices: Sequence[Invoice]) -> dict[UUID, str]:
    """The digest of what people wrote on each invoice, by its id."""
    keys = {(one.organization_id, one.id) for one in invoices}
    if not keys:
        return {}
    lines = stored_invoices.list_lines_by_key(session, keys)
    return {
        invoice_id: digest(as_computed(priced_line_of(row) for row in rows))
        for (_, invoice_id), rows in lines.items()
    }
