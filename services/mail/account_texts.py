"""What mails about accounts say: an invitation, and the link for a new password.

A mail is made when it is sent, and its link is opened from what was sealed for it: nothing but the
mail itself holds a link that can be read.
"""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_datetime
from sqlmodel import Session

from billing.errors import NotFound
from billing.notifications.mails import MailCause
from billing.periods import find_zone
from models.accounts.organizations import Organization
from models.notifications.emails import Email
from repositories.accounts import invitations as stored_invitations
from services.accounts.credentials import Sealing
from services.mail.rendering import render
from services.mail.templates import phrases_in
from services.members import invitations, resets
from services.members.links import join_link, reset_link


def account_texts(
    session: Session,
    organization: Organization,
    email: Email,
    *,
    public_url: str,
    sealing: Sealing,
    now: datetime,
) -> tuple[str, str]:
    """The subject and the text. Raises NotFound once the link opens nothing any more."""
    if email.cause == MailCause.INVITATION:
        link, until = _invitation_link(session, email, public_url=public_url, sealing=sealing)
    else:
        link, until = _reset_link(session, email, public_url=public_url, sealing=sealing)
    if link is None or until <= now:
        raise NotFound("The link opens nothing any more.", code="link_invalid")
    language = organization.document_language
    phrases = phrases_in(language)
    local = until.astimezone(find_zone(organization.timezone))
    variables = {
        "organization": organization.name,
        "until": format_datetime(local, "long", locale=language),
    }
    text = render(phrases[email.cause], variables)
    subject = render(phrases[f"{email.cause}_subject"], variables)
    return subject, f"{text}\n\n{link}\n\n{phrases[f'{email.cause}_end']}\n"


def _invitation_link(
    session: Session, email: Email, *, public_url: str, sealing: Sealing
) -> tuple[str | None, datetime]:
    assert email.invitation_id is not None
    found = invitations.require_invitation(
        stored_invitations.find_invitation(session, email.organization_id, email.invitation_id)
    )
    token = invitations.open_token(found, sealing)
    return token and join_link(public_url, token), found.expires_at


def _reset_link(
    session: Session, email: Email, *, public_url: str, sealing: Sealing
) -> tuple[str | None, datetime]:
    assert email.password_reset_id is not None
    found = stored_invitations.find_reset(session, email.organization_id, email.password_reset_id)
    assert found is not None
    token = resets.open_token(found, sealing)
    return token and reset_link(public_url, token), found.expires_at
