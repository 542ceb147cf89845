"""Who may make an organization here, and what addresses call it (CONTRACT 101)."""

from __future__ import annotations

import re

from sqlmodel import Session

from billing.errors import Forbidden
from repositories.accounts import organizations as stored_organizations
from services.accounts.sign_up_policy import SignUpPolicy


def require_open(session: Session, policy: SignUpPolicy) -> None:
    """Return if an organization may be made now. Raises Forbidden ``signup_closed``."""
    is_open = policy is SignUpPolicy.OPEN or (
        policy is SignUpPolicy.FIRST and stored_organizations.is_directory_empty(session)
    )
    if not is_open:
        raise Forbidden(
            "Sign-up is closed on this installation; its operator opens it by FLUXRATE_SIGNUP.",
            code="signup_closed",
        )


def slug_of(name: str) -> str:
    """A name for addresses: lower-case letters, digits and hyphens.

    Worked example: ``Lumen Works`` is ``lumen-works``.
    """
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:100] or "organization"
