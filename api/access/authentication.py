"""Who makes a request: a session by cookie or Bearer token, or an API key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from api.access.address_limits import ip_of
from api.access.cookie_names import ACCESS_COOKIE, shown_cookie
from api.access.key_cache import Credential
from api.access.principal import Principal
from api.access.request_log import EndedKey, note_sender
from api.context import AppContext, state_of
from api.transport.urls.natural_keys import read_id
from billing.errors import Unauthenticated
from repositories.accounts import user_sessions
from services.accounts.api_keys import PREFIXES, find_api_key, is_live
from services.accounts.credentials import AccessClaims

LONGEST_CREDENTIAL = 4096
ORGANIZATION_HEADER = "Fluxrate-Organization"
"""By which members act for the sandbox of their organization (CONTRACT 102)."""


def authenticate(request: HTTPConnection, context: AppContext) -> Principal:
    """Whoever shows good credentials. Blocks while the database is asked.

    A key counts before a Bearer token, a token before a cookie; credentials that are shown and bad
    are never passed over for others. Raises: Unauthenticated.
    """
    secret = shown_api_key(request)
    if secret is not None:
        with _noting_ended(request):
            known = _authenticate_key(context, secret)
        return _for_named(request, context, known)
    claims = _require_claims(request, context)
    known = _authenticate_session(context, claims)
    if _may_have_new_sandbox(request, known):
        known = _ask_for_session(context, claims)
    return _for_named(request, context, known)


def claimed_organization(request: HTTPConnection, context: AppContext) -> UUID | None:
    """The organization of an access token that we signed, of which one request more is counted.

    None without one. The session may have ended meanwhile: this says whose slots a request takes,
    not what it may. Raises: Unauthenticated for an Authorization that is none; TooManyRequests.
    """
    token = shown_token(request, context)
    claims = None if token is None else _read_claims(request, context, token)
    if claims is None:
        return None
    state_of(request.app).rates.count_request(
        request, claims.organization_id, claims.user_session_id
    )
    return claims.organization_id


async def authenticate_async(request: HTTPConnection, context: AppContext) -> Principal:
    """As :func:`authenticate`, from the event loop; the request is counted as one of theirs.

    Raises: Unauthenticated, TooManyRequests.
    """
    principal = await recognize_async(request, context)
    count_request(request, principal)
    return principal


def count_request(request: HTTPConnection, principal: Principal) -> None:
    """One more request of theirs, once however often it is called. Raises TooManyRequests."""
    caller_id = principal.api_key_id or principal.session_id
    assert caller_id is not None
    state_of(request.app).rates.count_request(request, principal.home_id, caller_id)


async def recognize_async(request: HTTPConnection, context: AppContext) -> Principal:
    """As :func:`authenticate_async`, for routes that count otherwise.

    A key or session that was good within the last second costs nothing; of many with the same one
    asks the database. Raises: Unauthenticated.
    """
    secret = shown_api_key(request)
    if secret is not None:
        shown: Credential = context.security.digest(secret)
        ask = partial(_authenticate_key, context, secret)
    else:
        shown = claims = _require_claims(request, context)
        ask = partial(_authenticate_session, context, claims)
    known = context.key_cache.find(shown)
    if known is None:
        with _noting_ended(request):
            known = await context.key_cache.ask_once(shown, partial(run_in_threadpool, ask))
    if isinstance(shown, AccessClaims) and _may_have_new_sandbox(request, known):
        known = await run_in_threadpool(_ask_for_session, context, shown)
    return _for_named(request, context, known)


def _for_named(request: HTTPConnection, context: AppContext, principal: Principal) -> Principal:
    """Whoever it is, acting for the organization that the request names.

    Keys are known for a second, in which they may come to their end, and be shown from elsewhere:
    that is looked at each time. Raises NotFound, Unauthenticated, Forbidden.
    """
    if principal.api_key_id is not None:
        note_sender(request, principal.organization_id, principal.api_key_id)
        principal.require_usable(ip_of(request), now=context.now())
    named = request.headers.get(ORGANIZATION_HEADER)
    return principal if named is None else principal.act_for(read_id(named))


@contextmanager
def _noting_ended(request: HTTPConnection) -> Iterator[None]:
    """Whose key it was is known of one that has ended, too."""
    try:
        yield
    except EndedKey as ended:
        note_sender(request, *ended.sender)
        raise


def _may_have_new_sandbox(request: HTTPConnection, known: Principal) -> bool:
    """Whether the request names an organization that was not there when somebody was looked up."""
    named = request.headers.get(ORGANIZATION_HEADER)
    return (
        named is not None
        and known.sandbox_id is None
        and read_id(named) not in (None, known.organization_id)
    )


def shown_api_key(request: HTTPConnection) -> str | None:
    """The API key in ``X-API-Key``, or in ``Authorization: Bearer``, if there is one."""
    key = request.headers.get("x-api-key")
    if key is not None:
        return key.strip()
    token = _bearer(request)
    return token if token is not None and token.startswith(PREFIXES) else None


def shown_token(request: HTTPConnection, context: AppContext) -> str | None:
    """The access token in ``Authorization: Bearer`` or in the cookie, if there is one."""
    token = _bearer(request)
    return token if token is not None else shown_cookie(ACCESS_COOKIE, request, context)


def _bearer(request: HTTPConnection) -> str | None:
    authorization = request.headers.get("authorization")
    if authorization is None:
        return None
    scheme, _, credential = authorization.partition(" ")
    if scheme.casefold() != "bearer":
        raise Unauthenticated(
            "Authorization takes a Bearer token.", code="unsupported_authorization"
        )
    return credential.strip()


def _authenticate_key(context: AppContext, secret: str) -> Principal:
    if len(secret) > LONGEST_CREDENTIAL or not context.security.is_api_key(secret):
        raise _invalid_key()
    key_hash = context.security.digest(secret)
    known = context.key_cache.find(key_hash)
    if known is not None:
        return known
    revocations = context.key_cache.revocations
    api_key = find_api_key(context.transactions, key_hash, now=context.now())
    if api_key is None:
        raise _invalid_key()
    if not is_live(api_key, now=context.now()):
        raise EndedKey(api_key)
    principal = Principal(
        organization_id=api_key.organization_id,
        api_key_id=api_key.id,
        scopes=frozenset(api_key.scopes),
        expires_at=api_key.expires_at,
        allowed_networks=tuple(map(ip_network, api_key.allowed_addresses)),
    )
    context.key_cache.put(key_hash, principal, revocations=revocations)
    return principal


def _authenticate_session(context: AppContext, claims: AccessClaims) -> Principal:
    known = context.key_cache.find(claims)
    return _ask_for_session(context, claims) if known is None else known


def _ask_for_session(context: AppContext, claims: AccessClaims) -> Principal:
    revocations = context.key_cache.revocations
    with context.transactions.for_organization(claims.organization_id) as session:
        found = user_sessions.find_live_user(
            session, claims.organization_id, claims.user_session_id, now=context.now()
        )
    user, sandbox_id, lacks_factor = found or (None, None, False)
    if user is None or user.id != claims.user_id:
        raise _invalid_token()
    principal = Principal(
        organization_id=user.organization_id,
        user_id=user.id,
        session_id=claims.user_session_id,
        role=user.role,
        sandbox_id=sandbox_id,
        lacks_second_factor=lacks_factor,
    )
    context.key_cache.put(claims, principal, revocations=revocations)
    return principal


def _require_claims(request: HTTPConnection, context: AppContext) -> AccessClaims:
    token = shown_token(request, context)
    if token is None:
        raise Unauthenticated(
            "Log in, or send an API key in the header X-API-Key.", code="credentials_missing"
        )
    claims = _read_claims(request, context, token)
    if claims is None:
        raise _invalid_token()
    return claims


def _read_claims(request: HTTPConnection, context: AppContext, token: str) -> AccessClaims | None:
    """What the request's token says if it is good; read once for each request."""
    if not hasattr(request.state, "access_claims"):
        request.state.access_claims = (
            context.security.read_access_token(token, now=context.now())
            if len(token) <= LONGEST_CREDENTIAL
            else None
        )
    claims: AccessClaims | None = request.state.access_claims
    return claims


def _invalid_key() -> Unauthenticated:
    return Unauthenticated("The API key is not valid.", code="invalid_api_key")


def _invalid_token() -> Unauthenticated:
    return Unauthenticated("Log in again.", code="invalid_token")
