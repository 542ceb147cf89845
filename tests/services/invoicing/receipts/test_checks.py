"""What somebody does to books behind our back is found by their receipts, and named.

*Source: CONTRACT section 6, Proof for anybody.*
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from sqlmodel import Session
from typer.testing import CliRunner

from billing.metering.aggregations import Aggregation
from cli.main import app
from models.accounts.organizations import OrganizationDirectory
from models.invoicing.receipts import SignedReceipt
from services.invoicing import receipt_checks
from services.invoicing.receipt_checks import Judgment, Place
from services.receipts.flaws import Flaw
from services.usage.corrections import void_usage
from tests.servers import superuser_url
from tests.services.invoicing.receipts.tamperings import TAMPERINGS
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import Shop

TENTH = datetime(2025, 1, 10, tzinfo=UTC)
MAY = datetime(2025, 5, 1, 2, tzinfo=UTC)

Tamper = Callable[[str], None]


@pytest.fixture
def life(shop: Shop) -> Life:
    """Four months, of which January was billed 7."""
    life = begin_life(with_signer(shop))
    life.use(TENTH, 7)
    life.advance(MAY)
    return life


@pytest.fixture
def tamper(shop: Shop) -> Iterator[Tamper]:
    """Does what only the owner of the database can, in this shop alone, checked by nothing."""
    address = shop.transactions.address.set(drivername="postgresql")
    plain = address.render_as_string(hide_password=False)

    with psycopg.connect(superuser_url(plain)) as connection:
        connection.execute("SET session_replication_role = replica")

        def run(statement: str) -> None:
            connection.execute("SET ROLE NONE")
            word = "AND one." if "AS one" in statement else "AND "
            word = word if "WHERE" in statement else "WHERE "
            connection.execute(f"{statement} {word}organization_id = '{shop.organization_id}'")
            connection.commit()

        yield run


def check_all(shop: Shop, *, at_once: int = 50) -> list[Flaw]:
    with shop.transactions.for_organization(shop.organization_id) as session:
        place, flaws = Place(), list[Flaw]()
        while True:
            end = receipt_checks.find_end(session, shop.organization_id)
            page = receipt_checks.check_page(session, shop.organization_id, place, limit=at_once)
            flaws += page.flaws
            place = page.place
            if page.count < at_once:
                return flaws + receipt_checks.check_end(session, shop.organization_id, place, end)


def test_honest_books_have_no_flaw_whatever_comes_later(shop: Shop, life: Life) -> None:
    late = life.use(TENTH, 5)
    shop.do(void_usage, late.id)

    assert check_all(shop) == []
    assert check_all(shop, at_once=3) == []


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_is_found_and_named(shop: Shop, life: Life, tamper: Tamper, kind: str) -> None:
    statement, expected = TAMPERINGS[kind]

    tamper(statement)
    found = check_all(shop)

    assert (found[0].sequence, found[0].fault) == expected[:2]
    assert found[0].detail.startswith(expected[2])
    assert len({one.fault for one in found} - {"receipt_missing"}) <= 1


def test_an_unsigned_receipt_is_named(shop: Shop) -> None:
    begin_life(shop).advance(datetime(2025, 2, 1, 2, tzinfo=UTC))

    assert [one.fault for one in check_all(shop)] == ["unsigned"]


def run(module_database_url: str, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words, env={"DATABASE_URL": module_database_url})
    return done.exit_code, done.output


def test_the_command_counts_and_names(
    shop: Shop, life: Life, tamper: Tamper, module_database_url: str
) -> None:
    enlist(shop)
    words = ("invoices", "verify", "--organization", str(shop.organization_id))

    assert run(module_database_url, *words)[0] == 0
    tamper("DELETE FROM usage_event")
    code, said = run(module_database_url, *words)

    assert code == 1
    assert "INV-2025-0001: events_changed: Usage was 7 by 1 events, and is 0 by 0." in said
    assert "4 receipts of 1 organizations: 1 findings." in said


def test_regress_looks_at_the_last_receipts_alone(
    shop: Shop, life: Life, tamper: Tamper, module_database_url: str
) -> None:
    enlist(shop)
    tamper("DELETE FROM usage_event")

    last, all_of_them = (
        run(module_database_url, "regress", "--last", count)[1] for count in ("3", "4")
    )

    assert str(shop.organization_id) not in last
    assert f"{shop.organization_id} INV-2025-0001: events_changed" in all_of_them


def enlist(shop: Shop) -> None:
    """The shop stands in the directory, as organizations that signed up do."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(OrganizationDirectory(id=shop.organization_id))


@pytest.mark.parametrize("carry_forward", [False, True])
def test_a_total_that_is_carried_on_is_not_counted_again_for_strangers(
    shop: Shop, *, carry_forward: bool
) -> None:
    life = begin_life(
        with_signer(shop), aggregation=Aggregation.WEIGHTED_SUM, carry_forward=carry_forward
    )
    life.use(TENTH, 7)
    life.advance(datetime(2025, 2, 1, 2, tzinfo=UTC))
    [receipt] = receipts_of(shop)

    judgment = shop.read(judge_for_strangers, receipt)

    assert (judgment.flaw, judgment.has_recomputed) == (None, not carry_forward)
    assert check_all(shop) == []


def judge_for_strangers(session: Session, _: UUID, receipt: SignedReceipt) -> Judgment:
    return receipt_checks.judge(session, receipt, most_events=10)


@pytest.mark.parametrize("is_before_the_page", [True, False])
def test_an_invoice_that_is_issued_meanwhile_is_no_finding(
    shop: Shop, life: Life, *, is_before_the_page: bool
) -> None:
    june = datetime(2025, 6, 1, 2, tzinfo=UTC)

    with shop.transactions.for_organization(shop.organization_id) as session:
        end = receipt_checks.find_end(session, shop.organization_id)
        if is_before_the_page:
            life.advance(june)
        page = receipt_checks.check_page(session, shop.organization_id, Place(), limit=50)
        if not is_before_the_page:
            life.advance(june)
        found = receipt_checks.check_end(session, shop.organization_id, page.place, end)

    assert page.count == (5 if is_before_the_page else 4)
    assert found == []


def test_an_unsigned_receipt_hides_nothing(shop: Shop, tamper: Tamper) -> None:
    life = begin_life(shop)
    life.use(TENTH, 7)
    life.advance(datetime(2025, 2, 1, 2, tzinfo=UTC))

    tamper("DELETE FROM usage_event")

    assert [one.fault for one in check_all(shop)] == ["events_changed"]


def test_the_draft_that_began_the_chain_is_missed_without_its_receipt(
    shop: Shop, life: Life, tamper: Tamper
) -> None:
    tamper("UPDATE receipt_chain SET created_at = (SELECT min(created_at) FROM invoice)")
    tamper("UPDATE receipt_chain SET last_sequence = 0, last_digest = NULL")
    tamper("DELETE FROM signed_receipt")

    assert [one.fault for one in check_all(shop)] == ["receipt_missing"] * 4


def test_a_draft_of_before_that_is_issued_later_is_missed(
    shop: Shop, life: Life, tamper: Tamper
) -> None:
    tamper("UPDATE receipt_chain SET last_sequence = 0, last_digest = NULL")
    tamper("DELETE FROM signed_receipt")
    tamper("UPDATE invoice SET created_at = '2024-01-01', finalized_at = '2024-01-02'")
    assert check_all(shop) == []
    tamper("UPDATE customer SET test_clock_id = NULL")

    tamper("UPDATE invoice SET finalized_at = '2999-01-01' WHERE period_index = 3")

    assert [one.fault for one in check_all(shop)] == ["receipt_missing"]
