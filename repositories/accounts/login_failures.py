"""How often logins of accounts failed, and from which addresses they succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.accounts.users import LoginAddress, LoginFailures


def lock_login_failures(
    session: Session, account_hash: str, *, forget_at: datetime
) -> LoginFailures:
    """When logins of an account failed, with the row locked; an empty row if there was none."""
    row = insert(LoginFailures).values(account_hash=account_hash, failed_at=[], forget_at=forget_at)
    # An update locks the row in one step: a success elsewhere cannot delete it in between.
    locked = row.on_conflict_do_update(
        constraint="pk_login_failures", set_={"account_hash": row.excluded.account_hash}
    )
    return session.scalars(locked.returning(LoginFailures)).one()


def save_login_failures(
    session: Session,
    failures: LoginFailures,
    failed_at: Sequence[datetime],
    *,
    forget_at: datetime,
) -> None:
    """Replace the instants."""
    failures.failed_at = list(failed_at)
    failures.forget_at = forget_at
    session.add(failures)


def delete_login_failures(session: Session, counted: Sequence[str]) -> None:
    """Forget that logins failed, as they were counted under these hashes."""
    session.execute(delete(LoginFailures).where(col(LoginFailures.account_hash).in_(counted)))


def delete_forgotten_failures(session: Session, *, now: datetime, at_most: int) -> None:
    """Forget failures of any account that are over, ``at_most`` accounts at a time."""
    over = (
        select(LoginFailures.account_hash)
        .where(LoginFailures.forget_at <= now)
        .order_by(col(LoginFailures.forget_at))
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(LoginFailures).where(col(LoginFailures.account_hash).in_(over)))


def is_known_address(
    session: Session, account_hash: str, address_hash: str, *, now: datetime
) -> bool:
    """Whether the account was logged in to from this address, not too long ago."""
    found = session.exec(
        select(LoginAddress.forget_at).where(
            LoginAddress.account_hash == account_hash,
            LoginAddress.address_hash == address_hash,
            LoginAddress.forget_at > now,
        )
    )
    return found.first() is not None


def remember_address(
    session: Session, account_hash: str, address_hash: str, *, forget_at: datetime
) -> None:
    """The account knows this address until then."""
    row = insert(LoginAddress).values(
        account_hash=account_hash, address_hash=address_hash, forget_at=forget_at
    )
    session.execute(
        row.on_conflict_do_update(
            constraint="pk_login_address", set_={"forget_at": row.excluded.forget_at}
        )
    )


def forget_addresses(session: Session, account_hash: str, *, but: int) -> None:
    """The account knows no more addresses than so many, those that it was used from last."""
    newest = (
        select(LoginAddress.address_hash)
        .where(LoginAddress.account_hash == account_hash)
        .order_by(col(LoginAddress.forget_at).desc())
        .limit(but)
    )
    session.execute(
        delete(LoginAddress).where(
            col(LoginAddress.account_hash) == account_hash,
            col(LoginAddress.address_hash).not_in(newest),
        )
    )


def delete_forgotten_addresses(session: Session, *, now: datetime, at_most: int) -> None:
    """Forget addresses of any account that are over, ``at_most`` at a time."""
    over = (
        select(LoginAddress.account_hash, LoginAddress.address_hash)
        .where(LoginAddress.forget_at <= now)
        .order_by(col(LoginAddress.forget_at))
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        delete(LoginAddress).where(
            tuple_(col(LoginAddress.account_hash), col(LoginAddress.address_hash)).in_(over)
        )
    )
