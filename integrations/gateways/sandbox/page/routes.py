"""The routes of a link's page: it is shown, and one of its buttons is pressed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import parse_qs

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from billing.errors import Conflict, InvalidInput, NotFound
from billing.payments.gateways import GatewayStatus
from integrations.gateways.sandbox.app import LOST, answered, read_body, refusal
from integrations.gateways.sandbox.faults import find_plan
from integrations.gateways.sandbox.ledger.links import find_link
from integrations.gateways.sandbox.ledger.payments import (
    Tried,
    list_payments,
    pay_link,
    resolve_due,
)
from integrations.gateways.sandbox.ledger.tables import Outcome, payment
from integrations.gateways.sandbox.page.rendering import (
    HEADERS,
    STYLE_ADDRESS,
    render,
    render_refusal,
    show_style,
)
from integrations.gateways.sandbox.threads import LedgerThreads
from integrations.gateways.sandbox.wire import decode, encode

PATH: Final = "/sandbox/pay"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

Handler = Callable[[Request], Awaitable[Response]]


class PayAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The button that is pressed."""

    outcome: Outcome


class LinkPages:
    """``GET /sandbox/pay/{token}``, and ``POST`` to its ``/pay`` by the form or by a program.

    Whoever has the link may pay, as at every gateway: nobody logs in. Source: CONTRACT 80.
    """

    def __init__(
        self,
        ledger: LedgerThreads,
        *,
        now: Callable[[], datetime],
        told: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._now = now
        self._told = told

    def routes(self, around: Callable[[Handler], Handler]) -> list[Route]:
        """The routes; ``around`` is what surrounds every page where they are served."""
        return [
            Route(f"{PATH}/{{token}}", around(shown(self.show)), methods=["GET"]),
            Route(f"{PATH}/{{token}}/pay", around(self.press), methods=["POST"]),
            Route(STYLE_ADDRESS, show_style, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page, which says how far the link is."""
        token, now = request.path_params["token"], self._now()

        def read(connection: Connection) -> Response:
            resolve_due(connection, now=now)
            link = find_link(connection, token)
            tried = list_payments(connection, link.account_id, payment.c.link_id == link.id)
            faults = find_plan(connection, link.account_id, link.customer_id)
            is_taken = any(one.status is not GatewayStatus.FAILED for one in tried)
            is_payable = link.expired_at is None and (faults.is_payable_again or not is_taken)
            return render(link, tried, is_payable=is_payable)

        return await self._ledger.run(read)

    async def press(self, request: Request) -> Response:
        """A payment that ends by the outcome; of a form the page says so, else the payment."""
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
        if kind == FORM:
            return await shown(self._press_on_page)(request)
        if kind == JSON:
            return await answered(self._press_by_program)(request)
        return refusal(415, "unsupported_media_type", f"Send {JSON}.")

    async def _press_by_program(self, request: Request) -> Response:
        tried = await self._pay(request, decode(await read_body(request), PayAsked).outcome)
        if tried.is_answer_lost:
            return refusal(LOST, "answer_lost", "No answer came.")
        return Response(encode(tried.payment), media_type=JSON)

    async def _press_on_page(self, request: Request) -> Response:
        pressed = parse_qs((await read_body(request)).decode(errors="replace"))
        try:
            outcome = Outcome(pressed.get("outcome", [""])[0])
        except ValueError as error:
            raise InvalidInput("There is no such button.", field="outcome") from error
        try:
            tried = await self._pay(request, outcome)
        except Conflict:
            # The page says that the link is paid, or expired.
            return self._back(request)
        if tried.is_answer_lost:
            return render_refusal(LOST, "No answer came", "Nobody knows yet what happened.")
        return self._back(request)

    def _back(self, request: Request) -> Response:
        address = f"{PATH}/{request.path_params['token']}"
        return RedirectResponse(address, status_code=303, headers=HEADERS)

    async def _pay(self, request: Request, outcome: Outcome) -> Tried:
        token = request.path_params["token"]
        pay = partial(pay_link, token=token, outcome=outcome, now=self._now())
        tried = await self._ledger.run(pay)
        self._told()
        return tried


def shown(handle: Handler) -> Handler:
    """The handler, whose errors are pages."""

    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except NotFound:
            return render_refusal(404, "There is no such page", "The link may be incomplete.")
        except InvalidInput as error:
            return render_refusal(422, "That cannot be read", error.detail)
        except SQLAlchemyError:
            return render_refusal(503, "Not now", "Please try again in a moment.")

    return answer
