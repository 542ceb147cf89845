"""The page at the host's root that says of a receipt what anybody is told of it.

*Source: CONTRACT section 6, Proof for anybody.* Nothing is told of the customer or of the lines.
Beside it are the programs by which strangers check it, as the documentation shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from billing.invoicing.kinds import DocumentLanguage
from console.dependencies import Dependencies
from console.documents import verdict_of
from console.language import language_of, words_in
from console.rendering import Page, answered, render
from services.documents.text import on_one_line
from services.receipts.verdicts import Verdict
from services.required import not_found

KEYS_ADDRESS: Final = "/.well-known/fluxrate-keys.json"
PROGRAMS: Final = (
    "verify.py",
    "rules.py",
    "credit.py",
    "commitments.py",
    "included.py",
    "audit.py",
)
FOLDERS: Final = (
    Path(__file__).parent / "verify",
    Path(__file__).parents[1] / "docs" / "verify",
)
"""Where an installed product has them, and where a copy of the repository does."""
CONTENTS: Final = {
    name: next(folder / name for folder in FOLDERS if (folder / name).is_file()).read_bytes()
    for name in PROGRAMS
}
HEADERS: Final = {
    "Cache-Control": "public, max-age=300",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """The page under ``/verify/{receipt_id}``; beside it the API answers programs."""

    async def show(request: Request) -> Response:
        try:
            receipt_id = UUID(request.path_params["receipt_id"])
        except ValueError as error:
            raise not_found("Page") from error
        told = await dependencies.judge(request, receipt_id)
        return Page(_render(receipt_id, told, language_of(request)))

    programs = [Route(f"/verify/{name}", _give(name)) for name in PROGRAMS]
    return [*programs, Route("/verify/{receipt_id}", answered(dependencies, show))]


def _give(name: str) -> Callable[[Request], Response]:
    def show_program(_request: Request) -> Response:
        kind = "text/x-python; charset=utf-8"
        return Response(CONTENTS[name], media_type=kind, headers=HEADERS)

    return show_program


def _render(receipt_id: UUID, told: Verdict, language: DocumentLanguage) -> bytes:
    words = words_in(language)
    kind = told.verdict
    name = "verified_signed" if kind == "equal" and not told.recomputed else f"told_{kind}"
    facts = {
        "total": f"{told.total} {told.currency}",
        "inputs_digest": told.inputs_digest,
        "lines_digest": told.lines_digest,
        "signature": told.signature,
    }
    return render(
        "receipt.html",
        language=language,
        number=on_one_line(told.invoice_number or str(receipt_id)),
        verdict=verdict_of(told, words[name], words),
        facts=[(fact, value) for fact, value in facts.items() if value],
        json_address=f"/verify/{receipt_id}.json",
        keys_address=KEYS_ADDRESS,
        script_address="/verify/verify.py",
    )
