"""Signing up: an organization with its owner, who goes on to the guided setup."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from billing.invoicing.kinds import DocumentLanguage
from console.dependencies import Dependencies
from console.rendering import Page, answered, render
from console.workspace.asking import Member, Refused
from console.workspace.forms import read_form
from console.workspace.frame import HOME, see_other
from console.workspace.setup.screen import SETUP
from console.workspace.signing import FOREIGN

SIGN_UP: Final = f"{HOME}/sign-up"
FIELDS: Final = ("organization_name", "email", "password")


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """The page to sign up, and where its form goes."""
    return [
        Route(SIGN_UP, answered(dependencies, _show), methods=["GET"]),
        Route(SIGN_UP, answered(dependencies, _sign_up), methods=["POST"]),
    ]


async def _show(request: Request) -> Response:
    return _page(request)


async def _sign_up(request: Request) -> Response:
    # Nobody's browser makes an organization by a form of another site.
    if request.headers.get("sec-fetch-site", "") == FOREIGN:
        return _page(request, status=403, problem="This form was sent by another site.")
    form = await read_form(request)
    body = {name: form.get(name, "") for name in FIELDS}
    member = Member(request)
    try:
        await member.sign_up(body)
    except Refused as refusal:
        return _page(
            request,
            status=refusal.status,
            problem=refusal.detail,
            email=body["email"],
            organization_name=body["organization_name"],
        )
    return member.hand_over(see_other(SETUP))


def _page(
    request: Request,
    *,
    status: int = 200,
    problem: str = "",
    email: str = "",
    organization_name: str = "",
) -> Page:
    content = render(
        "workspace/sign_up.html",
        language=DocumentLanguage.ENGLISH,
        is_quiet=request.state.is_quiet,
        problem=problem,
        email=email,
        organization_name=organization_name,
        action=SIGN_UP,
    )
    return Page(content, status_code=status)
