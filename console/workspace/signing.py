"""Signing in and out: the API's own sessions, with the cookies that it sets."""

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
from console.workspace.frame import HOME, SIGN_IN, see_other

FIELDS: Final[tuple[str, ...]] = ("email", "password", "code")
FOREIGN: Final = "cross-site"


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """The page to sign in, and where its form goes; and the way out."""
    return [
        Route(SIGN_IN, answered(dependencies, _show), methods=["GET"]),
        Route(SIGN_IN, answered(dependencies, _sign_in), methods=["POST"]),
        Route(f"{HOME}/sign-out", answered(dependencies, _sign_out), methods=["POST"]),
    ]


async def _show(request: Request) -> Response:
    return _page(request)


async def _sign_in(request: Request) -> Response:
    # Nobody is signed in as somebody else by a form of another site.
    if request.headers.get("sec-fetch-site", "") == FOREIGN:
        return _page(request, status=403, problem="This form was sent by another site.")
    form = await read_form(request)
    body = {name: form[name] for name in FIELDS if name in form}
    member = Member(request)
    try:
        await member.sign_in(body)
    except Refused as refusal:
        return _page(
            request,
            status=refusal.status,
            problem=refusal.detail,
            email=body.get("email", ""),
            wants_code=refusal.problem.get("code") in {"second_factor_required", "invalid_code"},
        )
    return member.hand_over(see_other(_next(request)))


async def _sign_out(request: Request) -> Response:
    member = Member(request)
    await member.sign_out()
    return member.hand_over(see_other(SIGN_IN))


def _next(request: Request) -> str:
    """Where the member wanted to go: a screen of ours, and nowhere else."""
    there = request.query_params.get("next", HOME)
    is_ours = there == HOME or there.startswith((f"{HOME}/", f"{HOME}?"))
    return there if is_ours and "\\" not in there else HOME


def _page(
    request: Request,
    *,
    status: int = 200,
    problem: str = "",
    email: str = "",
    wants_code: bool = False,
) -> Page:
    content = render(
        "workspace/sign_in.html",
        language=DocumentLanguage.ENGLISH,
        is_quiet=request.state.is_quiet,
        problem=problem,
        email=email,
        wants_code=wants_code,
        action=f"{SIGN_IN}?{request.url.query}" if request.url.query else SIGN_IN,
    )
    return Page(content, status_code=status)
