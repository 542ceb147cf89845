"""What the database itself says of members and links, whatever a service forgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from models.accounts.organizations import Organization
from models.accounts.users import User
from models.base import new_id
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.constraints import violated_constraint

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[Engine]:
    """The application's connections."""
    made = create_application_engine(module_database_url, pool_size=4)
    yield made
    made.dispose()


@pytest.fixture
def transactions(engine: Engine) -> Transactions:
    return Transactions(engine)


@pytest.fixture
def team(transactions: Transactions) -> tuple[UUID, list[UUID]]:
    """An organization with two owners and an admin."""
    organization_id = new_id()
    users = [
        User(
            organization_id=organization_id,
            id=new_id(),
            email=f"{new_id()}@harbor.test",
            password_hash="-",
            role=role,
            created_at=NOW,
        )
        for role in ("owner", "owner", "admin")
    ]
    with transactions.for_organization(organization_id) as session:
        session.add(Organization(id=organization_id, name="M", slug="m", created_at=NOW))
        session.flush()
        session.add_all(users)
    return organization_id, [user.id for user in users]


DEMOTE = "UPDATE app_user SET role = 'admin' WHERE id = :user"
REMOVE = "UPDATE app_user SET removed_at = now() WHERE id = :user"


def run(
    transactions: Transactions, organization_id: UUID, statement: str, **values: object
) -> None:
    with transactions.for_organization(organization_id) as session:
        session.execute(text(statement), values)


def remaining(transactions: Transactions, organization_id: UUID) -> int:
    with transactions.for_organization(organization_id) as session:
        counted: int = session.execute(
            text("SELECT count(*) FROM app_user WHERE role = 'owner' AND removed_at IS NULL")
        ).scalar_one()
        return counted


@pytest.mark.parametrize("last", [DEMOTE, REMOVE])
@pytest.mark.parametrize("first", [DEMOTE, REMOVE])
def test_last_owner_stays_whatever_statement_would_take_them(
    transactions: Transactions, team: tuple[UUID, list[UUID]], first: str, last: str
) -> None:
    organization_id, (one, other, _) = team
    run(transactions, organization_id, first, user=one)

    with pytest.raises(IntegrityError) as caught:
        run(transactions, organization_id, last, user=other)

    assert violated_constraint(caught.value) == "ck_app_user_last_owner"
    assert remaining(transactions, organization_id) == 1


def test_all_owners_at_once_cannot_go_by_one_statement(
    transactions: Transactions, team: tuple[UUID, list[UUID]]
) -> None:
    organization_id, _ = team

    with pytest.raises(IntegrityError, match="keeps an owner"):
        run(transactions, organization_id, "UPDATE app_user SET role = 'read_only'")


def test_owners_who_go_at_the_same_time_leave_one(
    transactions: Transactions, team: tuple[UUID, list[UUID]]
) -> None:
    organization_id, (one, other, _) = team
    together = Barrier(2)

    def go(user_id: UUID) -> bool:
        try:
            with transactions.for_organization(organization_id) as session:
                session.execute(text("SELECT 1"))
                together.wait(timeout=30)
                session.execute(text(DEMOTE), {"user": user_id})
        except IntegrityError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        went = list(pool.map(go, (one, other)))

    assert sorted(went) == [False, True]
    assert remaining(transactions, organization_id) == 1


def test_one_may_go_while_another_comes(
    transactions: Transactions, team: tuple[UUID, list[UUID]]
) -> None:
    organization_id, (one, other, admin) = team

    def swap(session: Session) -> None:
        session.execute(text("UPDATE app_user SET role = 'owner' WHERE id = :u"), {"u": admin})
        for user_id in (one, other):
            session.execute(text(DEMOTE), {"user": user_id})

    with transactions.for_organization(organization_id) as session:
        swap(session)

    assert remaining(transactions, organization_id) == 1


def test_address_of_who_was_removed_is_free_and_of_members_is_not(
    transactions: Transactions, team: tuple[UUID, list[UUID]]
) -> None:
    organization_id, (one, other, _) = team
    taken = "SELECT upper(email) FROM app_user WHERE id = :o"
    take = f"UPDATE app_user SET email = ({taken}) WHERE id = :u"

    with pytest.raises(IntegrityError, match="uq_app_user_email"):
        run(transactions, organization_id, take, o=one, u=other)
    run(transactions, organization_id, REMOVE, user=one)
    run(transactions, organization_id, take, o=one, u=other)


INVITE = (
    "INSERT INTO invitation (organization_id, id, email, role, token_hash, invited_by, created_at,"
    " expires_at, sent_count, accepted_at, user_id, revoked_at, sealed_token)"
    " VALUES (:organization, gen_random_uuid(), :email, :role, :hash, :by, :now,"
    " CAST(:now AS timestamptz) + CAST(:good_for AS interval), :sent, :accepted, :user, :revoked,"
    " :sealed)"
)


def asking(team: tuple[UUID, list[UUID]], **different: object) -> dict[str, object]:
    organization_id, (one, *_) = team
    return {
        "organization": organization_id,
        "email": "new@harbor.test",
        "role": "admin",
        "hash": str(new_id()),
        "by": one,
        "now": NOW,
        "good_for": "7 days",
        "sent": 1,
        "accepted": None,
        "user": None,
        "revoked": None,
        "sealed": None,
    } | different


@pytest.mark.parametrize(
    ("different", "constraint"),
    [
        ({"role": "intern"}, "ck_invitation_role"),
        ({"good_for": "0 days"}, "ck_invitation_expires_at"),
        ({"accepted": NOW}, "ck_invitation_accepted"),
        ({"sent": 0}, "ck_invitation_sent_count"),
        ({"revoked": NOW, "sealed": "x"}, "ck_invitation_sealed_token"),
    ],
)
def test_invitation_is_one_thing_at_a_time(
    transactions: Transactions,
    team: tuple[UUID, list[UUID]],
    different: dict[str, object],
    constraint: str,
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        run(transactions, team[0], INVITE, **asking(team, **different))


def test_accepted_invitation_is_not_revoked(
    transactions: Transactions, team: tuple[UUID, list[UUID]]
) -> None:
    both = asking(team, accepted=NOW, user=team[1][0], revoked=NOW)

    with pytest.raises(IntegrityError, match="ck_invitation_ended_once"):
        run(transactions, team[0], INVITE, **both)


def test_person_has_one_open_invitation_and_a_token_one_row(
    transactions: Transactions, team: tuple[UUID, list[UUID]]
) -> None:
    run(transactions, team[0], INVITE, **asking(team, hash="same", email="x@h.test", revoked=NOW))
    run(transactions, team[0], INVITE, **asking(team))

    with pytest.raises(IntegrityError, match="uq_invitation_open"):
        run(transactions, team[0], INVITE, **asking(team, email="NEW@harbor.test"))
    with pytest.raises(IntegrityError, match="uq_invitation_token_hash"):
        run(transactions, team[0], INVITE, **asking(team, hash="same", email="y@h.test"))


@pytest.mark.parametrize("name", ["invited_by", "user_id"], ids=["who invites", "who accepts"])
def test_people_of_other_organizations_have_no_part_in_an_invitation(
    transactions: Transactions, team: tuple[UUID, list[UUID]], name: str
) -> None:
    stranger = new_id()
    wrong: Callable[..., dict[str, object]] = {
        "invited_by": lambda: asking(team, by=stranger),
        "user_id": lambda: asking(team, accepted=NOW, user=stranger),
    }[name]

    with pytest.raises(IntegrityError, match=f"fk_invitation_organization_id_{name}"):
        run(transactions, team[0], INVITE, **wrong())
