"""Whom operators' pages are shown to: whoever shows ``FLUXRATE_OPERATOR_TOKEN``, if it is set."""

from __future__ import annotations

import base64
import binascii
import secrets

from fastapi import Request

from api.context import AppContext
from billing.errors import Unauthenticated


def is_operator(request: Request, context: AppContext) -> bool:
    """Whether the request shows the operator's token, or nobody has to.

    As a Bearer token, or as the password of HTTP Basic, which browsers ask people for.
    """
    return shows_token(request.headers.get("authorization", ""), context.operator_token)


def shows_token(authorization: str, token: str | None) -> bool:
    """Whether an ``Authorization`` shows the token, or there is none to show."""
    if token is None:
        return True
    return secrets.compare_digest(_shown(authorization).encode(), token.encode())


def require_operator(request: Request, context: AppContext) -> None:
    """Return if it is an operator who asks. Raises Unauthenticated."""
    if not is_operator(request, context):
        raise Unauthenticated(
            "Show FLUXRATE_OPERATOR_TOKEN as a Bearer token or as a password.",
            code="operator_token_required",
        )


def _shown(authorization: str) -> str:
    scheme, _, rest = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            return _password(rest.strip())
        case _:
            return ""


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
