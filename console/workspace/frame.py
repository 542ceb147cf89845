"""The frame around every screen: who looks, where else to go, and of which calls it was made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from billing.invoicing.kinds import DocumentLanguage
from console.dependencies import Dependencies
from console.rendering import SCRIPT_HEADER, Handler, Page, answered, new_nonce, render
from console.workspace.asking import SIGNED_OUT, Member, Refused
from console.workspace.values import Values
from services.accounts.roles import MANAGE, role_of

HOME: Final = "/console"
SIGN_IN: Final = f"{HOME}/sign-in"
SEARCH: Final = f"{HOME}/search"
REFRESHES: Final = {"HX-Refresh": "true"}
"""By which an answer has a script look at the whole page anew."""

SEE_OTHER: Final = 303
NO_SECOND_FACTOR: Final = "second_factor_missing"
"""Whoever hears this reaches nothing but their own account, until they have one."""

READS: Final = "billing.read"
WRITES: Final = "billing.write"
NEEDS: Final = "needs"
"""By which a form in the values of a screen says what a role must reach to send it."""

SESSION: Final = ""
"""What everybody in a session may see."""

Place = tuple[str, str, str]
"""A screen's words, where it is, and what a role must reach to see it."""

GROUPS: Final[tuple[tuple[str, tuple[Place, ...]], ...]] = (
    ("", (("Overview", HOME, READS),)),
    (
        "Billing",
        (
            ("Customers", f"{HOME}/customers", READS),
            ("Subscriptions", f"{HOME}/subscriptions", READS),
            ("Invoices", f"{HOME}/invoices", READS),
            ("Payments", f"{HOME}/payments", READS),
            ("Dunning", f"{HOME}/dunning", READS),
            ("Credits", f"{HOME}/credits", READS),
            ("Coupons", f"{HOME}/coupons", READS),
            ("Alerts", f"{HOME}/alerts", READS),
        ),
    ),
    (
        "Usage and prices",
        (
            ("Events", f"{HOME}/events", READS),
            ("Meters", f"{HOME}/meters", READS),
            ("Plans", f"{HOME}/plans", READS),
        ),
    ),
    (
        "Developers",
        (
            ("Requests", f"{HOME}/requests", READS),
            ("API keys", f"{HOME}/api-keys", MANAGE),
            ("Webhooks", f"{HOME}/webhooks", READS),
            ("Test clocks", f"{HOME}/test-clocks", READS),
        ),
    ),
    (
        "Records",
        (
            ("Operations", f"{HOME}/operations", READS),
            ("Audit log", f"{HOME}/audit", READS),
            ("Audit chain", f"{HOME}/audit-chain", READS),
        ),
    ),
    (
        "Settings",
        (
            ("Members", f"{HOME}/members", MANAGE),
            ("Organization", f"{HOME}/organization", READS),
            ("Your account", f"{HOME}/account", SESSION),
        ),
    ),
)
"""What stands at the side, in its groups."""

NAVIGATION: Final = tuple(one for _, places in GROUPS for one in places)
"""All of it, in the same order."""


def places_for(role: str) -> list[tuple[str, str]]:
    """The words of the screens that a role may see, and where each is."""
    return [(words, to) for words, to, needs in NAVIGATION if reaches(role, needs)]


def reaches(role: str, needs: str) -> bool:
    """Whether a role reaches a permission; everybody in a session what needs no more."""
    return needs == SESSION or role_of(role).reaches(needs)


def without_forms(shown: Any, role: str) -> Any:  # noqa: ANN401  (whatever a template takes)
    """The same without the forms that a role may not send: None in their places, none in lists."""
    if isinstance(shown, dict):
        if NEEDS in shown and not reaches(role, shown[NEEDS]):
            return None
        return {name: without_forms(one, role) for name, one in shown.items()}
    if isinstance(shown, list):
        kept = [(one, without_forms(one, role)) for one in shown]
        return [after for before, after in kept if after is not None or before is None]
    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A screen to be shown: its template, and what that needs beside the frame.

    A script that asks for it gets the ``fragment`` of it, where it has one.
    """

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fragment: str | None = None


Show = Callable[[Member], Awaitable[Screen | Response]]


def screen(dependencies: Dependencies, show: Show) -> Handler:
    """The handler of a screen: what the API refuses becomes a page that says so.

    Who is signed out is asked to sign in, and comes back.
    """

    @wraps(show)
    async def handle(request: Request) -> Response:
        member = Member(request)
        try:
            # By itself and first: it finds out whether somebody is signed in.
            me = await member.get("/auth/me")
            member.role, member.organization = me["user"]["role"], me["organization"]
            shown = await show(member)
            if isinstance(shown, Response):
                return member.hand_over(shown)
        except Refused as refusal:
            return member.hand_over(_refuse(request, refusal))
        return member.hand_over(_page(dependencies, member, shown))

    return answered(dependencies, handle)


def see_other(path: str) -> Response:
    """What was done is done; the browser looks at a screen again."""
    return RedirectResponse(path, status_code=SEE_OTHER)


def _page(dependencies: Dependencies, member: Member, shown: Screen) -> Page:
    path = member.request.url.path
    base_url = dependencies.public_url
    is_part = shown.fragment is not None and SCRIPT_HEADER in member.request.headers
    nonce = new_nonce()
    content = render(
        f"workspace/{shown.fragment if is_part else shown.template}",
        language=DocumentLanguage.ENGLISH,
        is_quiet=dependencies.is_quiet,
        nonce=nonce,
        title=shown.title,
        organization=member.organization,
        navigation=_navigation(path, member.role),
        values=Values.of(member.organization, member.locale),
        calls=dict.fromkeys(one.as_command(base_url) for one in member.calls),
        command=lambda call: call.as_command(base_url),
        temporal_links=dependencies.link_temporal(),
        query=dict(member.request.query_params),
        path=path,
        may=lambda needs: reaches(member.role, needs),
        **{name: without_forms(one, member.role) for name, one in shown.values.items()},
    )
    return Page(content, nonce=nonce)


def _navigation(path: str, role: str) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """The groups of which a role sees something, with what it sees, and where it is now."""
    groups = (
        (
            title,
            [(words, to, _is_within(path, to)) for words, to, need in its if reaches(role, need)],
        )
        for title, its in GROUPS
    )
    return [(title, its) for title, its in groups if its]


def _is_within(path: str, place: str) -> bool:
    return path == place or (place != HOME and path.startswith(f"{place}/"))


def _refuse(request: Request, refusal: Refused) -> Response:
    """The page that says so; a script, which asked for a part of one, gets a part in its place.

    The page around it asks whoever is signed out to sign in.
    """
    is_part = SCRIPT_HEADER in request.headers
    if refusal.status == SIGNED_OUT and is_part:
        return Response(status_code=SIGNED_OUT, headers=REFRESHES)
    if refusal.status == SIGNED_OUT:
        there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return see_other(f"{SIGN_IN}?next={quote(there)}")
    code = refusal.problem.get("code")
    content = render(
        "workspace/refused_part.html" if is_part else "workspace/refused.html",
        language=DocumentLanguage.ENGLISH,
        is_quiet=request.state.is_quiet,
        status=refusal.status,
        detail=refusal.detail,
        code=code,
        home=f"{HOME}/account" if code == NO_SECOND_FACTOR else HOME,
    )
    return Page(content, status_code=refusal.status)
