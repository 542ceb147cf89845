"""Second factors of people, and the codes for when one is lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from models.accounts.second_factors import RecoveryCode, TotpFactor


def find_factor(session: Session, organization_id: UUID, user_id: UUID) -> TotpFactor | None:
    """A person's authenticator, confirmed or not, or None."""
    return session.get(TotpFactor, (organization_id, user_id))


def lock_factor(session: Session, organization_id: UUID, user_id: UUID) -> TotpFactor | None:
    """A person's authenticator with its row locked, or None."""
    return session.exec(
        select(TotpFactor)
        .where(TotpFactor.organization_id == organization_id, TotpFactor.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def insert_factor(session: Session, factor: TotpFactor) -> None:
    """Store a new authenticator."""
    session.add(factor)
    session.flush()


def delete_factor(session: Session, organization_id: UUID, user_id: UUID) -> bool:
    """Whether the person had an authenticator; it is gone, and so are the codes for its loss."""
    for table in (RecoveryCode, TotpFactor):
        gone = session.execute(
            delete(table)
            .where(col(table.organization_id) == organization_id, col(table.user_id) == user_id)
            .returning(col(table.user_id))
            .execution_options(synchronize_session="fetch")
        ).all()
    return bool(gone)


def replace_codes(
    session: Session,
    organization_id: UUID,
    user_id: UUID,
    code_hashes: Iterable[str],
    *,
    now: datetime,
) -> None:
    """The person has these recovery codes and no others."""
    session.execute(
        delete(RecoveryCode).where(
            col(RecoveryCode.organization_id) == organization_id,
            col(RecoveryCode.user_id) == user_id,
        )
    )
    session.add_all(
        RecoveryCode(
            organization_id=organization_id, user_id=user_id, code_hash=one, created_at=now
        )
        for one in code_hashes
    )
    session.flush()


def use_code(
    session: Session, organization_id: UUID, user_id: UUID, code_hash: str, *, now: datetime
) -> bool:
    """Whether the person had this code unused; it is used now, for whoever comes first."""
    used = session.execute(
        update(RecoveryCode)
        .where(
            col(RecoveryCode.organization_id) == organization_id,
            col(RecoveryCode.user_id) == user_id,
            col(RecoveryCode.code_hash) == code_hash,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(RecoveryCode.code_hash))
        .execution_options(synchronize_session=False)
    )
    return used.first() is not None


def count_unused_codes(session: Session, organization_id: UUID, user_id: UUID) -> int:
    """How many recovery codes a person has left."""
    return session.exec(
        select(func.count())
        .select_from(RecoveryCode)
        .where(
            RecoveryCode.organization_id == organization_id,
            RecoveryCode.user_id == user_id,
            col(RecoveryCode.used_at).is_(None),
        )
    ).one()
