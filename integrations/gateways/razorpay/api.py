"""Razorpay's HTTP: JSON both ways, and the key as a user's name and password."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from billing.errors import Rejected, Unavailable
from billing.payments.gateways import Provider
from integrations.gateways.client import (
    ProviderAnswer,
    ProviderClient,
    Question,
    code_of_refusal,
)
from integrations.gateways.fields import Fields

BASE_URL: Final = "https://api.razorpay.com"

Body = Mapping[str, object]

_SECRET: Final = re.compile(r"\brzp_\S*|\bBasic \S*")
_SHORT_KEY: Final = re.compile(r"[A-Za-z0-9_-]{10,40}", re.ASCII)


class RazorpayRefusal(Rejected):
    """Razorpay's final no, with what it says of it."""

    def __init__(self, answer: ProviderAnswer) -> None:
        self.status = answer.status
        self.error = answer.fields.inner("error")
        words = self.error.find_words("description") or f"It answered {answer.status}."
        super().__init__(
            f"Razorpay: {_SECRET.sub('[secret]', words)}", code=code_of_refusal(answer.status)
        )

    @property
    def is_unknown(self) -> bool:
        """Whether there is no such thing, which it says with 400 more often than with 404."""
        return self.status == 404 or "does not exist" in self.detail

    @property
    def payment(self) -> str | None:
        """The payment that failed; None if the request itself was at fault."""
        return self.error.inner("metadata").find_words("payment_id")


class RazorpayApi:
    """One account of Razorpay's."""

    def __init__(
        self, client: ProviderClient, *, base_url: str, key_id: str, key_secret: str
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._authorization = f"Basic {b64encode(f'{key_id}:{key_secret}'.encode()).decode()}"

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Fields:
        """What stands at a path. Raises RazorpayRefusal, Unavailable."""
        return await self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    async def find(self, path: str) -> Fields | None:
        """The same; None if nothing stands there."""
        try:
            return await self.get(path)
        except RazorpayRefusal as refusal:
            if refusal.is_unknown:
                return None
            raise

    async def post(
        self, path: str, body: Body, *, headers: Mapping[str, str] | None = None
    ) -> Fields:
        """What became of it. Raises as get."""
        return await self._ask("POST", path, body=body, headers=headers)

    async def delete(self, path: str) -> None:
        """Nothing stands there any more. Idempotent. Raises as get."""
        try:
            await self._ask("DELETE", path)
        except RazorpayRefusal as refusal:
            if not refusal.is_unknown:
                raise

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fields:
        question = Question(
            provider=Provider.RAZORPAY,
            method=method,
            url=f"{self._base_url}{path}",
            headers={
                "Authorization": self._authorization,
                "Content-Type": "application/json",
                **(headers or {}),
            },
            body=b"" if body is None else json.dumps(body).encode(),
        )
        answer = await self._client.ask(question)
        if not answer.is_yes:
            raise RazorpayRefusal(answer)
        if not answer.fields:
            raise Unavailable("Razorpay's answer is empty.")
        return answer.fields


def path_of(*parts: str) -> str:
    """A path of the API; ids are never more than ids. Raises Rejected."""
    if not all(re.fullmatch(r"[A-Za-z0-9_]{1,255}", part, re.ASCII) for part in parts):
        raise Rejected("It is not an id of Razorpay's.", field="reference")
    return "/v1/" + "/".join(parts)


def short_key(key: str) -> str:
    """An idempotency key in the letters that Razorpay takes, 10 to 40 of them; always the same."""
    return key if _SHORT_KEY.fullmatch(key) else sha256(key.encode()).hexdigest()[:40]
