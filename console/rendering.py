"""Templates become answers, each with the policy that says what it may load and who frames it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from billing.errors import BillingError, NotFound, TooManyRequests, Unavailable
from console.assets import address_of
from console.dependencies import Dependencies
from console.language import language_of, words_in
from services.accounts.embed_hosts import framing_sources
from services.operations.outbound import WAITING

log = structlog.get_logger(__name__)

TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    # What is installed stays as it is: nobody looks for a newer file at each page.
    auto_reload=False,
)
TEMPLATES.globals["asset"] = address_of
TEMPLATES.globals["waiting"] = WAITING

POLICY: Final = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors {framers}"
)
WITH_SCRIPT: Final = (
    "; connect-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic';"
    " require-trusted-types-for 'script'; trusted-types htmx"
)
"""What a page with scripts may do beyond: run those that carry its nonce, and ask us alone.

Text becomes elements by htmx alone, which takes no attributes without the nonce.
"""
SCRIPT_HEADER: Final = "hx-request"
"""By which a script says that it asks, for a part of a page."""
NONCE_BYTES: Final = 16
RETRY_AFTER_SECONDS: Final = 2

Handler = Callable[[Request], Awaitable[Response]]


class Page(Response):
    """A page: nothing of it is stored, indexed or told to others, and nobody else frames it."""

    media_type = "text/html"

    def __init__(
        self,
        content: bytes,
        *,
        embed_hosts: Sequence[str] = (),
        status_code: int = 200,
        nonce: str | None = None,
    ) -> None:
        """``nonce`` is carried by the scripts of the page, None where it has none."""
        super().__init__(content, status_code)
        self.headers["Content-Security-Policy"] = policy_for(embed_hosts, nonce)
        self.headers["X-Robots-Tag"] = "noindex, nofollow"
        self.headers["Cache-Control"] = "no-store"


def new_nonce() -> str:
    """What the scripts of one page carry, and nobody guesses."""
    return token_urlsafe(NONCE_BYTES)


def policy_for(embed_hosts: Sequence[str], nonce: str | None = None) -> str:
    """What an answer may load, and which hosts may frame it.

    Browsers that know it pass over the ``X-Frame-Options`` of every answer.
    """
    policy = POLICY.format(framers=" ".join(framing_sources(embed_hosts)) or "'none'")
    return policy if nonce is None else policy + WITH_SCRIPT.format(nonce=nonce)


def render(template: str, *, language: str, **values: object) -> bytes:
    """A template filled in, with the words of a language as ``words``."""
    page = TEMPLATES.get_template(template)
    return page.render(language=language, words=words_in(language), **values).encode()


def answered(dependencies: Dependencies, handle: Handler) -> Handler:
    """The handler, for addresses that do not ask too often.

    Its errors are answered with pages that say nothing about the inside. Whether the installation
    is quiet, it finds as ``request.state.is_quiet``, and when it was asked as
    ``request.state.now``.
    """

    @wraps(handle)
    async def answer(request: Request) -> Response:
        request.state.is_quiet = dependencies.is_quiet
        request.state.now = dependencies.now()
        try:
            await dependencies.count(request)
            return await handle(request)
        except NotFound:
            return _refusal(request, 404, "not_found")
        except TooManyRequests as error:
            answer = _refusal(request, 429, "too_many")
            answer.headers["Retry-After"] = str(error.retry_after_seconds)
            return answer
        except Unavailable as error:
            answer = _refusal(request, 503, "refused", about=_about(error))
            answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return answer

    return answer


def refuse_ended(request: Request, embed_hosts: Sequence[str]) -> Page:
    """The page that says so in the place of one whose token has ended."""
    return _refusal(request, 404, "ended", embed_hosts=embed_hosts)


def _about(error: BillingError) -> str:
    return "too_slow_about" if error.code == "too_slow" else "refused_about"


def _refusal(
    request: Request,
    status: int,
    title: str,
    *,
    about: str | None = None,
    embed_hosts: Sequence[str] = (),
) -> Page:
    language = language_of(request)
    words = words_in(language)
    content = render(
        "refusal_part.html" if SCRIPT_HEADER in request.headers else "refusal.html",
        language=language,
        title=words[title],
        about=words[about or f"{title}_about"],
    )
    return Page(content, status_code=status, embed_hosts=embed_hosts)
