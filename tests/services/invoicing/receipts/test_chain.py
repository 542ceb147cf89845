"""Issued invoices have receipts: signed, each bound to the one before it, added and never changed.

*Source: CONTRACT section 6, Proof for anybody.*
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from billing.invoicing.receipts import canonical_bytes
from models.invoicing.invoices import Invoice
from repositories.invoicing import receipt_keys as stored_keys
from repositories.invoicing import receipts as stored_receipts
from services.invoicing import manual, payment_status
from services.invoicing.finalize import DueInvoice, finalize_due_invoices
from services.invoicing.manual import ManualInvoice, ManualLine
from services.receipts.chain import link_receipts, rotate_key
from services.receipts.signing import is_signed, signer_of, thumbprint
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import NOW, Shop

IN_FEBRUARY = datetime(2025, 2, 2, tzinfo=UTC)
IN_APRIL = datetime(2025, 4, 2, tzinfo=UTC)


def write_draft(shop: Shop, life: Life) -> UUID:
    command = ManualInvoice(
        customer_id=life.row().customer_id,
        currency="USD",
        due_date=NOW,
        lines=(ManualLine(description="Import", quantity=Decimal(1), unit_amount=Decimal(5)),),
        subscription_id=None,
    )
    return shop.do(manual.create_invoice, command).id


def write_invoice(shop: Shop, life: Life) -> None:
    shop.do(payment_status.finalize, write_draft(shop, life))


def give_country(shop: Shop) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("UPDATE customer SET billing_address_country = 'GB'"))


def rotate(shop: Shop) -> str:
    with shop.transactions.for_organization(shop.organization_id) as session:
        signer = signer_of(session)
        assert signer is not None
        return rotate_key(session, shop.organization_id, signer, now=NOW).key_id


def test_every_issued_invoice_is_bound_to_the_one_before_it(shop: Shop) -> None:
    life = begin_life(with_signer(shop))
    life.use(datetime(2025, 1, 5, tzinfo=UTC), 7)

    life.advance(IN_APRIL)
    receipts = receipts_of(shop)

    assert [one.sequence for one in receipts] == [1, 2, 3]
    assert [one.previous_digest for one in receipts] == [None, *(r.digest for r in receipts[:-1])]
    assert [one.content["total"] for one in receipts] == ["7", "0", "0"]
    for one in receipts:
        message = canonical_bytes(one.content)
        assert one.digest == sha256(message).hexdigest()
        assert one.key_id is not None
        key = shop.read(stored_keys.find_key, one.key_id)
        assert key is not None
        assert is_signed(message, one.signature or "", key.public_key)
        assert key.key_id == thumbprint(key.public_key)


def test_what_is_signed_holds_integers_and_text_alone(shop: Shop) -> None:
    life = begin_life(with_signer(shop))
    life.advance(IN_FEBRUARY)

    [receipt] = receipts_of(shop)

    assert {type(value) for value in receipt.content.values()} <= {int, str, type(None)}
    assert all(name.isascii() for name in receipt.content)


def test_invoices_written_by_hand_are_in_the_chain(shop: Shop) -> None:
    signing = with_signer(shop)
    life = begin_life(signing)
    give_country(shop)
    write_invoice(signing, life)

    [receipt] = receipts_of(shop)

    assert (receipt.content["kind"], receipt.content["total"]) == ("manual", "5")
    assert (receipt.content["inputs_digest"], receipt.content["plan_version"]) == (None, None)


def test_a_rotated_key_signs_from_then_on(shop: Shop) -> None:
    signing = with_signer(shop)
    life = begin_life(signing)
    life.advance(IN_FEBRUARY)
    newer = rotate(signing)
    life.advance(IN_APRIL)

    first, *rest = receipts_of(shop)

    assert first.key_id != newer
    assert {one.key_id for one in rest} == {newer}
    assert first.key_id is not None
    assert shop.read(stored_keys.find_key, first.key_id) is not None


def test_a_process_without_the_operators_key_bills_all_the_same(shop: Shop) -> None:
    signing = with_signer(shop)
    life = begin_life(signing)
    life.advance(IN_FEBRUARY)
    stranger = with_signer(shop, "another key, which opens nothing of the first")
    Life(shop=stranger, subscription_id=life.subscription_id, clock_id=life.clock_id).advance(
        IN_APRIL
    )

    assert [one.key_id is not None for one in receipts_of(shop)] == [True, False, False]


def test_receipts_issued_at_once_follow_one_another(shop: Shop) -> None:
    signing = with_signer(shop)
    life = begin_life(signing)
    give_country(shop)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: write_invoice(signing, life), range(12)))

    receipts = receipts_of(shop)
    assert [one.sequence for one in receipts] == list(range(1, 13))
    assert [one.previous_digest for one in receipts[1:]] == [one.digest for one in receipts[:-1]]


def test_lines_that_people_wrote_are_read_at_once(shop: Shop) -> None:
    life = begin_life(with_signer(shop))
    give_country(shop)
    due = [write_draft(shop, life) for _ in range(3)]
    read = []

    def note(*sent: Any) -> None:
        if "FROM invoice_line" in sent[2]:
            read.append(sent[2])

    with shop.transactions.for_organization(shop.organization_id) as session:
        issued = [session.get_one(Invoice, (shop.organization_id, one)) for one in due]
        for invoice in issued:
            invoice.finalized_at = NOW
        event.listen(session.connection(), "before_cursor_execute", note)
        link_receipts(session, issued, now=NOW)

    assert len(read) == 1
    assert len({one.content["lines_digest"] for one in receipts_of(shop)}) == 1


def begin_draft(shop: Shop) -> DueInvoice:
    """January's draft, whose grace is to end."""
    life = begin_life(shop)
    life.send_clock(IN_FEBRUARY)
    while not life.invoices():
        life.act(life.state().agenda[0])
    [draft] = life.invoices()
    assert draft.scheduled_finalize_at is not None
    return DueInvoice(
        organization_id=shop.organization_id,
        invoice_id=draft.id,
        due_at=draft.scheduled_finalize_at,
    )


def test_a_group_takes_all_its_chains_at_once(shop: Shop, other_shop: Shop) -> None:
    due = [begin_draft(one) for one in (shop, other_shop)]
    ids = [one.organization_id for one in due]
    locked = []

    def note(*sent: Any) -> None:
        if "FROM receipt_chain" in sent[2]:
            locked.append(sent[3])

    with shop.transactions.for_organizations(ids) as session:
        numberless = text("UPDATE invoice SET invoice_number = NULL WHERE id = :id")
        session.execute(numberless, {"id": due[1].invoice_id})
        event.listen(session.connection(), "before_cursor_execute", note)
        finalize_due_invoices(session, due, now=NOW)

    assert locked[0] == {"organizations": sorted(ids)}


def test_the_database_refuses_a_second_successor(shop: Shop) -> None:
    life = begin_life(with_signer(shop))
    life.advance(IN_APRIL)
    again = text(
        "INSERT INTO signed_receipt SELECT organization_id, gen_random_uuid(), gen_random_uuid(),"
        " sequence + 10, previous_digest, content, digest || 'x', key_id, signature, created_at"
        " FROM signed_receipt WHERE sequence = 2"
    )

    with (
        pytest.raises(IntegrityError, match="uq_signed_receipt_previous"),
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        session.execute(again)


def test_a_receipt_is_found_by_its_id_through_an_index(shop: Shop) -> None:
    with shop.transactions.looking_up(stored_receipts.LOOKUP, str(UUID(int=1))) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.execute(
            text("EXPLAIN SELECT * FROM signed_receipt WHERE id = :id"), {"id": UUID(int=1)}
        )

        assert "ix_signed_receipt_id" in "\n".join(plan.scalars())


@pytest.mark.parametrize(
    "statement", ["DELETE FROM signed_receipt", "UPDATE signed_receipt SET digest = 'x'"]
)
def test_the_application_cannot_change_a_receipt(shop: Shop, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        session.execute(text(statement))


def test_terms_of_a_plan_version_are_read_once_for_a_group(shop: Shop, other_shop: Shop) -> None:
    lives = [begin_life(shop), begin_life(other_shop, charge={"unit_price": Decimal(2)})]
    for life in lives:
        life.advance(IN_APRIL)
    issued = [one for life in lives for one in life.invoices()]

    ids = [one.organization_id for one in (shop, other_shop)]
    with shop.transactions.for_organizations(ids) as session:
        bases = stored_receipts.list_bases(session, issued)

    assert len(bases) == 6
    own, others = ({id(bases[one.id].terms) for one in life.invoices()} for life in lives)
    assert (len(own), len(others), own & others) == (1, 1, set())
    assert '"2"' in bases[issued[-1].id].terms
