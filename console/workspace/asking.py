"""Asking the API as the member who looks: the same routes, rights and errors, within the process.

Nothing else of the product is asked, so a screen shows nothing that its member may not see, does
nothing that the API could not, and can say how it came to be.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from console.language import locale_of
from console.workspace.within import Answer, call, scope_of

API: Final = "/api/v1"
OK: Final = 200
BAD_REQUEST: Final = 400
SIGNED_OUT: Final = 401
KEY_HEADER: Final = '"X-API-Key: $FLUXRATE_API_KEY"'

Values = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the API that a screen was made of; ``lines`` is a file that it sends."""

    method: str
    path: str
    body: object | None = None
    lines: str | None = None

    def as_command(self, base_url: str) -> str:
        """The call as somebody types it, with a key of theirs."""
        words = ["curl"]
        if self.method != "GET":
            words += ["-X", self.method]
        words.append(f"{base_url.rstrip('/')}{self.path}")
        if self.body is not None:
            words += ["--json", json.dumps(self.body)]
        if self.lines is not None:
            words += ["-H", "Content-Type: application/x-ndjson", "--data-binary", f"@{self.lines}"]
        # The key is a variable of the shell, which only double quotes leave one.
        return f"{shlex.join(words)} -H {KEY_HEADER}"


class Refused(Exception):
    """The API said no: by a status, and a problem document in words."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(problem.get("detail", ""))
        self.status = status
        self.problem = problem

    @property
    def detail(self) -> str:
        """The sentence for people."""
        return str(self.problem.get("detail") or self.problem.get("title") or "Refused.")


@dataclass(slots=True)
class Member:
    """Who looks at a screen, by the cookies of their browser; ``calls`` is what was asked so far.

    A session whose access token has ended goes on by its refresh token, once for a screen;
    ``cookies`` are the new ones, which the screen's answer hands to the browser. ``role`` is what
    the API says of them, and ``organization`` whose member they are, once it was asked.
    """

    request: Request
    calls: list[Call] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    role: str = ""
    organization: Mapping[str, Any] = field(default_factory=dict)
    _renewed: str | None = None
    _is_answered: bool = False
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def locale(self) -> str:
        """By which they write numbers and days."""
        return locale_of(self.request)

    @property
    def now(self) -> datetime:
        """When they asked."""
        now: datetime = self.request.state.now
        return now

    def place(self, name: str = "id") -> str:
        """A part of the screen's own address, as a part of a path of the API."""
        return quote(self.request.path_params[name], safe="")

    async def get(self, path: str, /, **query: str | int | bool | None) -> Any:  # noqa: ANN401  (JSON)
        """What the API answers. Raises Refused."""
        asked = {
            name.rstrip("_"): _text(value)
            for name, value in query.items()
            if value not in (None, "")
        }
        address = f"{API}{path}" + (f"?{urlencode(asked)}" if asked else "")
        self.calls.append(Call(method="GET", path=address))
        return _read(await self._send_as_member("GET", address))

    async def act(
        self, method: str, path: str, body: object | None = None, *, key: str | None = None
    ) -> Any:  # noqa: ANN401  (JSON)
        """Change something, as the member; with a key once, however often. Raises Refused."""
        address = f"{API}{path}"
        self.calls.append(Call(method=method, path=address, body=body))
        return _read(await self._send_as_member(method, address, body, key=key))

    async def send(self, path: str, lines: bytes) -> Any:  # noqa: ANN401  (JSON)
        """Send lines of a file, and hear what became of them. Raises Refused."""
        return _read(await self._send_as_member("POST", f"{API}{path}", lines))

    async def renew(self) -> None:
        """The session goes on by its refresh token now, so that what takes long does not end it."""
        await self._renew(self._renewed)

    async def sign_in(self, body: Mapping[str, str]) -> None:
        """Log in, and keep the cookies for the browser. Raises Refused."""
        await self._enter("/auth/login", body)

    async def sign_up(self, body: Mapping[str, str]) -> None:
        """An organization exists, and its owner is logged in. Raises Refused."""
        await self._enter("/auth/signup", body)

    async def _enter(self, path: str, body: Mapping[str, str]) -> None:
        answer = await self._send("POST", f"{API}{path}", body)
        _read(answer)
        self.cookies = answer.cookies

    async def sign_out(self) -> None:
        """The session has ended; a browser that had none is signed out all the same."""
        answer = await self._send("POST", f"{API}/auth/logout")
        self.cookies = answer.cookies

    def scope_of(self, path: str) -> Scope:
        """A read of the API as a server would hand it to an application."""
        return scope_of(self.request, "GET", f"{API}{path}", self._credentials())

    def hand_over(self, response: Response) -> Response:
        """The answer with the cookies that the browser is to have from now on.

        What is asked while it is on its way renews no session: nobody could tell the browser, and
        by the refresh token that it still has it would be signed out.
        """
        self._is_answered = True
        for cookie in self.cookies:
            response.headers.append("set-cookie", cookie)
        return response

    async def _send_as_member(
        self, method: str, address: str, body: object | None = None, *, key: str | None = None
    ) -> Answer:
        asked_with = self._renewed
        answer = await self._send(method, address, body, key=key)
        if answer.status_code != SIGNED_OUT or not await self._renew(asked_with):
            return answer
        return await self._send(method, address, body, key=key)

    async def _renew(self, asked_with: str | None) -> bool:
        """Whether there are newer cookies than a call was asked with.

        A refresh token is good for one use; of several calls at once one renews for all.
        """
        async with self._renewing:
            is_first = self._renewed is None and not self._is_answered
            if is_first and "cookie" in self.request.headers:
                answer = await self._send("POST", f"{API}/auth/refresh")
                if answer.status_code == OK:
                    self.cookies = answer.cookies
                    self._renewed = "; ".join(one.partition(";")[0] for one in self.cookies)
        return self._renewed != asked_with

    async def _send(
        self, method: str, address: str, body: object | None = None, *, key: str | None = None
    ) -> Answer:
        headers = self._credentials() | ({} if key is None else {"idempotency-key": key})
        return await call(self.request, method, address, body, headers)

    def _credentials(self) -> dict[str, str]:
        """The newer cookies, once there are."""
        return {} if self._renewed is None else {"cookie": self._renewed}


def _text(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(answer: Answer) -> Any:  # noqa: ANN401  (JSON)
    document = json.loads(answer.content or b"null", parse_float=Decimal)
    if answer.status_code >= BAD_REQUEST:
        raise Refused(answer.status_code, document if isinstance(document, dict) else {})
    return document


def rows_of(page: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The rows of a page of a list."""
    rows: Sequence[Mapping[str, Any]] = page["data"]
    return rows
