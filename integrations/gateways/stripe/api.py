"""Stripe's HTTP: forms in brackets, a pinned version, keys against doing anything twice."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
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
    understood,
)
from integrations.gateways.fields import Fields

BASE_URL: Final = "https://api.stripe.com"

VERSION: Final = "2026-08-26.dahlia"
"""What is asked and answered, whatever version the account is set to."""

MOST_PAGES: Final = 100

Form = Mapping[str, object]
"""Texts, whole numbers, truths, and forms or sequences of them. What is None is left out."""

_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_SECRET: Final = re.compile(r"\b(?:sk|rk|pk|whsec)_\S*")


class StripeRefusal(Rejected):
    """Stripe's final no, with what it says of it."""

    def __init__(self, answer: ProviderAnswer) -> None:
        self.status = answer.status
        self.error = answer.fields.inner("error")
        words = self.error.find_words("message") or f"It answered {answer.status}."
        # Stripe repeats a wrong key in part; a log is no place for any of it.
        super().__init__(
            f"Stripe: {_SECRET.sub('[secret]', words)}", code=code_of_refusal(answer.status)
        )

    @property
    def is_unknown(self) -> bool:
        """Whether there is no such thing."""
        return self.status == 404

    @property
    def is_declined(self) -> bool:
        """Whether a bank said no, which is no error of the request."""
        return self.status == 402 and bool(self.error.inner("payment_intent"))

    @property
    def param(self) -> str | None:
        """What in the request is at fault, if it is one thing."""
        return self.error.find_words("param")

    @property
    def is_other_request(self) -> bool:
        """Whether the idempotency key was used before, for a request that differs."""
        return self.error.find_words("type") == "idempotency_error"


class StripeApi:
    """One account of Stripe's."""

    def __init__(self, client: ProviderClient, *, base_url: str, secret_key: str) -> None:
        self._client = client
        self._base_url = base_url
        self._authorization = f"Bearer {secret_key}"

    async def get(self, path: str, form: Form | None = None) -> Fields:
        """What stands at a path. Raises StripeRefusal, Unavailable."""
        query = encode_form(form or {})
        return await self._ask("GET", f"{path}?{query}" if query else path, {}, b"")

    async def find(self, path: str, form: Form | None = None) -> Fields | None:
        """The same; None if nothing stands there."""
        try:
            return await self.get(path, form)
        except StripeRefusal as refusal:
            if refusal.is_unknown:
                return None
            raise

    async def walk(self, path: str, form: Form) -> AsyncIterator[Fields]:
        """Everything that a list holds, the newest first. Raises as get.

        A list whose end is not in sight is Unavailable: what was not seen may yet be there.
        """
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = await self.get(path, {**form, "limit": 100, "starting_after": after})
            found = page.each("data")
            for one in found:
                yield one
            if not found or not page.is_true("has_more"):
                return
            with understood(Provider.STRIPE):
                after = found[-1].text("id")
        raise Unavailable(f"Stripe lists more than {MOST_PAGES * 100} of them.")

    async def post(self, path: str, form: Form, *, key: str | None = None) -> Fields:
        """What became of it. Idempotent by ``key`` for 24 hours. Raises as get."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self._ask("POST", path, headers, encode_form(form).encode())

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Fields:
        question = Question(
            provider=Provider.STRIPE,
            method=method,
            url=f"{self._base_url}{path}",
            headers={
                "Authorization": self._authorization,
                "Stripe-Version": VERSION,
                **headers,
            },
            body=body,
        )
        answer = await self._client.ask(question)
        if not answer.is_yes:
            raise StripeRefusal(answer)
        if not answer.fields:
            raise Unavailable("Stripe's answer is empty.")
        return answer.fields


def encode_form(form: Form) -> str:
    """The form as Stripe reads it: ``line_items[0][quantity]=1``."""
    return urlencode(list(_flat(form)))


def digest_of_form(form: Form) -> str:
    """Sixteen letters that forms share only if they are the same."""
    return sha256(encode_form(form).encode()).hexdigest()[:16]


def _flat(form: Form, within: str = "") -> Iterator[tuple[str, str]]:
    for name, value in form.items():
        place = f"{within}[{name}]" if within else name
        match value:
            case None:
                continue
            case bool():
                yield place, "true" if value else "false"
            case str() | int():
                yield place, str(value)
            case Mapping():
                yield from _flat(value, place)
            case Sequence():
                yield from _flat({str(i): one for i, one in enumerate(value)}, place)
            case _:
                raise TypeError(f"{place} cannot stand in a form.")


def is_id(text: str) -> bool:
    """Whether it may be an id of Stripe's, and can stand in a path."""
    return _ID.fullmatch(text) is not None


def path_of(*parts: str) -> str:
    """A path of the API; ids are never more than ids. Raises Rejected."""
    if not all(map(is_id, parts)):
        raise Rejected("It is not an id of Stripe's.", field="reference")
    return "/v1/" + "/".join(parts)
