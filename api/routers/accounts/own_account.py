"""One's own account: the password, the sessions, the second step (CONTRACT 103).

Whoever is in a session reaches this, in every role; what needs more than a session asks for the
password as well.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import Depends, Request, Response
from sqlalchemy import event

from api.access.address_limits import address_of
from api.access.principal import Principal
from api.access.sessions import OwnSession, Person, get_person
from api.admission.people import PersonInTurn
from api.admission.requests import ADMITTED, CALLER_WATCHED, leaving_of, work_for
from api.context import AppContext, ContextDep, state_of
from api.reads.fast_reads import lend_in_time
from api.schemas.accounts.accounts import OwnAccountView, UserView
from api.schemas.accounts.members import (
    ChangedPasswordView,
    ChangePasswordBody,
    CodeBody,
    OwnSessionView,
    PasswordBody,
    RecoveryCodesView,
    TotpEnrolmentView,
    TotpView,
    view_session,
    view_totp,
)
from api.schemas.accounts.organizations import view_organization
from api.schemas.pages import ListOf
from api.transport.exact_json import respond
from api.transport.route import Router
from billing.errors import Unauthenticated
from repositories.accounts import second_factors as stored_factors
from repositories.accounts import user_sessions as stored_sessions
from repositories.accounts.shown import OWN_ACCOUNTS
from services.accounts import sessions
from services.accounts.confirmations import Confirmation
from services.accounts.credentials import PasswordCheck
from services.members.own_account import OwnAccount

router = Router(prefix="/auth", tags=["Authentication"], admission=None)


@router.fast_get("/me", response_model=OwnAccountView, dependencies=[Depends(get_person)])
async def get_own_account(request: Request) -> Response:
    """Show who is logged in, in which role, and to which organization."""
    state = state_of(request.app)
    principal = await get_person(request, state.context)
    home = principal.organization_id
    async with lend_in_time(state.read_connections, home) as connection:
        accounts = await OWN_ACCOUNTS.run(connection, home, [_person(principal)])
    if not accounts:  # removed since the session was looked up
        raise Unauthenticated("Log in again.", code="invalid_token")
    [found] = accounts
    user = UserView(id=found.id, email=found.email, role=found.role)
    return respond(OwnAccountView(user=user, organization=view_organization(found.organization)))


@router.post("/change-password", response_model=ChangedPasswordView, dependencies=[CALLER_WATCHED])
async def change_password(
    body: ChangePasswordBody, request: Request, principal: PersonInTurn, context: ContextDep
) -> Response:
    """Change the password. All other sessions end, and links for a new password with them."""
    own, party = OwnAccount(context.sessions_for(request)), principal.organization_id
    confirmation, check = await _confirm(request, context, principal, body.current_password)
    password_hash = ""
    if check.is_right:
        await work_for(party, request, own.require_good, confirmation, body.new_password)
        password_hash = await state_of(request.app).passwords.hash(
            body.new_password, address=address_of(request), leaving=leaving_of(request)
        )
    assert principal.session_id is not None
    ended = await work_for(
        party,
        request,
        own.change_password,
        confirmation,
        check,
        password_hash,
        session_id=principal.session_id,
        now=context.now(),
    )
    return respond(ChangedPasswordView(ended_sessions=ended))


@router.get("/sessions", response_model=ListOf[OwnSessionView], dependencies=[ADMITTED])
def list_sessions(session: OwnSession, principal: Person, context: ContextDep) -> Response:
    """List your sessions that go on, the newest first."""
    found = stored_sessions.list_live_sessions(
        session, principal.organization_id, _person(principal), now=context.now()
    )
    return respond({"data": [view_session(one, principal.session_id) for one in found]})


@router.delete("/sessions", status_code=204, dependencies=[ADMITTED])
def end_other_sessions(session: OwnSession, principal: Person, context: ContextDep) -> Response:
    """End all your sessions but this one; their tokens are refused at once."""
    ended = sessions.end_sessions(
        session,
        principal.organization_id,
        _person(principal),
        but=principal.session_id,
        now=context.now(),
    )

    def forget(_: object) -> None:
        for one in ended:
            context.key_cache.forget(one)

    event.listen(session, "after_commit", forget)
    return Response(status_code=204)


@router.delete("/sessions/{session_id}", status_code=204, dependencies=[ADMITTED])
def end_session(
    session_id: UUID, session: OwnSession, principal: Person, context: ContextDep
) -> Response:
    """End one of your sessions; its tokens are refused at once."""
    sessions.end_session(
        session,
        principal.organization_id,
        _person(principal),
        session_id,
        now=context.now(),
    )
    event.listen(session, "after_commit", lambda _: context.key_cache.forget(session_id))
    return Response(status_code=204)


@router.get("/totp", response_model=TotpView, dependencies=[ADMITTED])
def get_totp(session: OwnSession, principal: Person) -> Response:
    """Show whether logging in takes a second step."""
    where = (principal.organization_id, _person(principal))
    factor = stored_factors.find_factor(session, *where)
    return respond(view_totp(factor, stored_factors.count_unused_codes(session, *where)))


@router.post(
    "/totp", status_code=201, response_model=TotpEnrolmentView, dependencies=[CALLER_WATCHED]
)
async def begin_totp(
    body: PasswordBody, request: Request, principal: PersonInTurn, context: ContextDep
) -> Response:
    """Make a secret for an authenticator. It counts once `POST /auth/totp/confirm` has a code."""
    own = OwnAccount(context.sessions_for(request))
    confirmed = await _confirm(request, context, principal, body.password)
    party = principal.organization_id
    begun = await work_for(party, request, own.begin_totp, *confirmed, now=context.now())
    return respond(TotpEnrolmentView(secret=begun.secret, uri=begun.uri), 201)


@router.post("/totp/confirm", response_model=RecoveryCodesView, dependencies=[ADMITTED])
def confirm_totp(
    body: CodeBody, request: Request, principal: Person, context: ContextDep
) -> Response:
    """Show a code of the new authenticator: logging in takes one from now on.

    The answer is the only place where the recovery codes appear.
    """
    codes = OwnAccount(context.sessions_for(request)).confirm_totp(
        principal.organization_id, _person(principal), body.code, now=context.now()
    )
    context.key_cache.forget(_person(principal))
    return respond(RecoveryCodesView(recovery_codes=codes))


@router.post(
    "/totp/recovery-codes", response_model=RecoveryCodesView, dependencies=[CALLER_WATCHED]
)
async def renew_recovery_codes(
    body: PasswordBody, request: Request, principal: PersonInTurn, context: ContextDep
) -> Response:
    """Make new recovery codes; those before open nothing any more."""
    own = OwnAccount(context.sessions_for(request))
    confirmed = await _confirm(request, context, principal, body.password)
    party = principal.organization_id
    codes = await work_for(party, request, own.renew_recovery_codes, *confirmed, now=context.now())
    return respond(RecoveryCodesView(recovery_codes=codes))


@router.post("/totp/disable", response_model=TotpView, dependencies=[CALLER_WATCHED])
async def disable_totp(
    body: PasswordBody, request: Request, principal: PersonInTurn, context: ContextDep
) -> Response:
    """Log in by the password alone from now on."""
    own = OwnAccount(context.sessions_for(request))
    confirmed = await _confirm(request, context, principal, body.password)
    party = principal.organization_id
    await work_for(party, request, own.disable_totp, *confirmed, now=context.now())
    context.key_cache.forget(_person(principal))
    return respond(view_totp(None, 0))


async def _confirm(
    request: Request, context: AppContext, principal: Principal, password: str
) -> tuple[Confirmation, PasswordCheck]:
    """What a password must match, and whether it does; the next step says so."""
    own, party = OwnAccount(context.sessions_for(request)), principal.organization_id
    confirmation = await work_for(
        party, request, own.begin, party, _person(principal), now=context.now()
    )
    check = await state_of(request.app).passwords.check(
        password,
        confirmation.password_hash,
        address=address_of(request),
        leaving=leaving_of(request),
    )
    return confirmation, check


def _person(principal: Principal) -> UUID:
    assert principal.user_id is not None, "who is in a session is a person"
    return principal.user_id
