"""What organizations write in their mails."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.notifications.emails import EmailTemplate


def find_template(
    session: Session, organization_id: UUID, kind: str, language: str
) -> EmailTemplate | None:
    """The template, or None where the default holds."""
    return session.get(EmailTemplate, (organization_id, kind, language))


def list_templates(session: Session, organization_id: UUID) -> Sequence[EmailTemplate]:
    """Every template that the organization wrote."""
    return session.exec(
        select(EmailTemplate).where(EmailTemplate.organization_id == organization_id)
    ).all()


def save_template(session: Session, template: EmailTemplate) -> None:
    """Store a template in the place of the one before, if there was one."""
    row = insert(EmailTemplate).values(template.model_dump())
    changed = {name: row.excluded[name] for name in ("subject", "text", "html", "updated_at")}
    session.execute(row.on_conflict_do_update(constraint="pk_email_template", set_=changed))


def delete_template(session: Session, organization_id: UUID, kind: str, language: str) -> None:
    """The default holds again."""
    session.execute(
        delete(EmailTemplate).where(
            col(EmailTemplate.organization_id) == organization_id,
            col(EmailTemplate.kind) == kind,
            col(EmailTemplate.language) == language,
        )
    )
