"""What no writer can do to the ledger of credit, and what is found if somebody did it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine, pool
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlmodel import Session

from runtime.database.engine import sqlalchemy_url
from services.credits.checks import check_credits
from services.operations import coverage
from tests.servers import superuser_url
from tests.services.credits.purse import BEGIN, DAY, Purse

COPY = """
    INSERT INTO credit_posting
    SELECT (jsonb_populate_record(original, jsonb_build_object({changes}))).*
    FROM credit_posting AS original
    WHERE original.organization_id = %(organization)s AND original.kind = '{kind}'
    ORDER BY original.position LIMIT 1
"""

NEXT = (
    "'id', gen_random_uuid(), 'key', 'another', 'position', 99, 'balance_after', 1,"
    " 'sequence', original.sequence + 1, 'follows', original.sequence,"
    " 'rest_before', original.rest_after"
)

REFUSED = {
    "rest below nothing": (
        "drawn",
        f"{NEXT}, 'amount', -8, 'rest_after', original.rest_after - 8",
        "ck_credit_posting_rest",
    ),
    "rest above what was granted": (
        "drawn",
        f"{NEXT}, 'kind', 'returned', 'amount', 4, 'rest_after', original.rest_after + 4",
        "ck_credit_posting_rest",
    ),
    "rest that is no sum": (
        "drawn",
        f"{NEXT}, 'amount', -2, 'rest_after', original.rest_after - 1",
        "ck_credit_posting_sum",
    ),
    "gap in the sequence": (
        "drawn",
        f"{NEXT}, 'sequence', 4, 'amount', -1, 'rest_after', original.rest_after - 1",
        "ck_credit_posting_chain",
    ),
    "begin where nothing ended": (
        "drawn",
        (
            f"{NEXT}, 'sequence', 4, 'follows', 3, 'amount', -1,"
            " 'rest_after', original.rest_after - 1"
        ),
        "fk_credit_posting_chain",
    ),
    "branch": (
        "drawn",
        "'id', gen_random_uuid(), 'key', 'another', 'position', 99",
        "pk_credit_posting",
    ),
    "more than was granted": (
        "drawn",
        f"{NEXT}, 'grant_amount', 100, 'amount', -1, 'rest_after', original.rest_after - 1",
        "fk_credit_posting_grant",
    ),
    "second grant": (
        "granted",
        f"{NEXT}, 'amount', 0, 'rest_after', original.rest_after",
        "ck_credit_posting_chain",
    ),
    "draw that gives": (
        "drawn",
        f"{NEXT}, 'amount', 1, 'rest_after', original.rest_after + 1",
        "ck_credit_posting_kind",
    ),
    "draw of nobody": (
        "drawn",
        (
            f"{NEXT}, 'amount', -1, 'rest_after', original.rest_after - 1, 'invoice_id', NULL,"
            " 'line_position', NULL"
        ),
        "ck_credit_posting_kind",
    ),
    "draw of no line": (
        "drawn",
        f"{NEXT}, 'amount', -1, 'rest_after', original.rest_after - 1, 'line_position', 77",
        "fk_credit_posting_line",
    ),
    "movement that was there": (
        "drawn",
        (f"{NEXT}, 'amount', -1, 'rest_after', original.rest_after - 1, 'key', original.key"),
        "uq_credit_posting_key",
    ),
    "place that is taken": (
        "drawn",
        (
            f"{NEXT}, 'amount', -1, 'rest_after', original.rest_after - 1,"
            " 'position', original.position"
        ),
        "uq_credit_posting_position",
    ),
}
"""By what is wrong: which posting is copied, what the copy says differently, who refuses it."""


@pytest.fixture(scope="module")
def owner(module_database_url: str) -> Iterator[Engine]:
    """Somebody whom no policy holds back."""
    engine = create_engine(
        sqlalchemy_url(superuser_url(module_database_url)), poolclass=pool.NullPool
    )
    yield engine
    engine.dispose()


@pytest.fixture
def moved(purse: Purse) -> Purse:
    """Of ten, three were drawn and one is held; two others were held, and one of them settled."""
    made, invoice = purse.grant("10"), purse.invoice()
    purse.draw(invoice, (made.row.id, 1, "3"))
    hold = purse.hold("2")
    purse.settle(hold.id, "1", now=BEGIN + timedelta(minutes=1))
    purse.hold("1", now=BEGIN + timedelta(minutes=2))
    return purse


@pytest.mark.parametrize("name", REFUSED)
def test_a_posting_that_cannot_be_is_refused(moved: Purse, owner: Engine, name: str) -> None:
    kind, changes, constraint = REFUSED[name]

    with Session(owner) as session:
        # Between other postings of the grant there is no place: all but the copied one go.
        session.connection().exec_driver_sql(
            "DELETE FROM credit_posting WHERE organization_id = %(organization)s AND sequence > 2",
            {"organization": moved.organization_id},
        )
        plant = COPY.format(changes=changes, kind=kind)
        with pytest.raises(IntegrityError, match=f'"{constraint}"'):
            session.connection().exec_driver_sql(plant, {"organization": moved.organization_id})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_posting SET amount = 0",
        "DELETE FROM credit_posting",
        "UPDATE credit_grant SET amount = 100",
        "DELETE FROM credit_grant",
        "UPDATE credit_unit SET scale = 0",
        "DELETE FROM credit_hold",
        "DELETE FROM wallet",
    ],
)
def test_the_program_can_change_nothing_that_was_granted_or_posted(
    moved: Purse, statement: str
) -> None:
    transactions = moved.shop.transactions
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transactions.for_organization(moved.organization_id) as session,
    ):
        session.connection().exec_driver_sql(statement)


def test_an_untouched_ledger_has_no_findings(moved: Purse) -> None:
    ended = moved.grant("5", expires_at=BEGIN + DAY)
    moved.expire(now=BEGIN + DAY)

    found = moved.shop.read(check_credits)

    assert (found.wallets, found.grants, list(found.findings)) == (1, 2, []), ended


@pytest.mark.parametrize(
    ("statement", "rules"),
    [
        ("UPDATE credit_posting SET balance_after = 11 WHERE sequence = 2", {"zero_sums"}),
        ("UPDATE credit_posting SET position = 50 WHERE sequence = 2", {"zero_sums"}),
        (
            "DELETE FROM credit_posting WHERE kind = 'held'",
            {"zero_sums", "rests_in_bounds", "parts_make_the_whole"},
        ),
        (
            "UPDATE credit_hold SET settled_amount = 2 WHERE settled_amount = 1",
            {"parts_make_the_whole"},
        ),
        (
            "UPDATE credit_grant SET effective_at = '2020-01-01', expires_at = '2020-02-01'",
            {"draws_within_life"},
        ),
        ("UPDATE credit_posting SET key = 'another' WHERE sequence = 2", {"moved_once"}),
        ("UPDATE credit_posting SET key = 'another' WHERE kind = 'granted'", {"moved_once"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whoever_changes_it_behind_our_back_is_found_out(
    moved: Purse, owner: Engine, statement: str, rules: set[str]
) -> None:
    with Session(owner) as session:
        # What guards the rows is put aside, as whoever owns the database could.
        session.connection().exec_driver_sql("SET LOCAL session_replication_role = 'replica'")
        session.connection().exec_driver_sql(
            f"{statement} {'AND' if 'WHERE' in statement else 'WHERE'}"
            f" organization_id = '{moved.organization_id}'"
        )
        found = check_credits(session, moved.organization_id)
        covered = coverage.check_coverage(session, moved.organization_id, None, now=BEGIN)
        session.rollback()

    assert {one.rule for one in found.findings} == rules
    assert {one.customer_id for one in found.findings} == {moved.customer_id}
    assert "credit_changed" in {one.kind for one in covered.findings}
