"""An API that answers as it is told, for clients whose answers fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
from fluxrate_client import AsyncFluxrate, Fluxrate, Retries

QUICK = Retries(first_pause=0)
CUSTOMER = {"id": "c1", "name": "Harbor Labs", "email": "ap@harbor.test", "external_id": "a"}

Answer = Callable[[httpx2.Request], httpx2.Response]


class Api:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, *answers: Answer | httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        match self.answers.pop(0):
            case Exception() as failure:
                raise failure
            case httpx2.Response() as response:
                return response
            case answer:
                return answer(request)

    def client(self, retries: Retries = QUICK) -> Fluxrate:
        http = httpx2.Client(transport=httpx2.MockTransport(self))
        return Fluxrate("http://api.test", api_key="sk_live_1", retries=retries, http=http)

    def async_client(self) -> AsyncFluxrate:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self))
        return AsyncFluxrate("http://api.test", retries=QUICK, http=http)


def answer(status: int = 200, body: Any = None, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, content=json.dumps(body), headers=headers)


def problem(status: int, code: str, **more: Any) -> httpx2.Response:
    return answer(status, {"code": code, "detail": "So it is.", "request_id": "r1", **more})


def lost() -> Exception:
    return httpx2.ReadError("the connection was cut")


def page(number: int, of: int) -> httpx2.Response:
    meta = {"page": number, "page_size": 1, "total": of, "total_pages": of}
    return answer(body={"data": [{"id": f"c{number}", "name": "", "email": ""}], "meta": meta})
