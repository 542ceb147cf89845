"""``fluxrate codec-server``: the Temporal Web UI shows people what the keys of payloads seal.

The browser asks it, not Temporal: keys and clear text never reach whoever runs Temporal. It opens
and does not seal.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, NoReturn
from urllib.parse import urlsplit

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payloads

from api.routers.operations.operators import shows_token
from cli.output import refuse
from runtime.exit import leave
from runtime.payloads.codec import PayloadKeyMissing, SealedPayloads
from runtime.settings import Settings
from runtime.telemetry import configure_logging

MOST_BYTES: Final = 16 * 1024 * 1024
"""More than one page of a history."""

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Fluxrate payloads"'}


def serve_codec(host: str, port: int) -> NoReturn:
    """Open payloads for the Web UI at ``FLUXRATE_TEMPORAL_UI_URL`` until SIGTERM or SIGINT.

    Raises:
        Refusal: there are no keys or no Web UI, or everybody who reaches it could read.
    """
    import uvicorn

    from cli.serve import bind

    settings = Settings()
    if not settings.shown_codec_keys:
        refuse("Set FLUXRATE_TEMPORAL_CODEC_KEYS to the keys that seal what Temporal keeps.")
    if settings.temporal_ui_url is None:
        refuse("Set FLUXRATE_TEMPORAL_UI_URL: only pages of that origin may ask.")
    token = settings.shown_operator_token
    if token is None and not _is_this_machine(host):
        refuse("Set FLUXRATE_OPERATOR_TOKEN, or listen on 127.0.0.1: it shows whatever is sealed.")
    configure_logging("codec-server", level=settings.log_level)
    app = make_codec_app(settings.shown_codec_keys, ui_url=settings.temporal_ui_url, token=token)
    bound = bind(host, port, who="The codec server")
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[bound])
    leave(0)


def make_codec_app(keys: Sequence[str], *, ui_url: str, token: str | None) -> Starlette:
    """What answers the Web UI: ``POST /decode``, and ``GET /`` where a browser gives the token."""
    codec = SealedPayloads(keys)

    async def decode(request: Request) -> Response:
        if not shows_token(request.headers.get("authorization", ""), token):
            return PlainTextResponse("Show FLUXRATE_OPERATOR_TOKEN.", 401, CHALLENGE)
        body = await _read(request)
        if body is None:
            return PlainTextResponse("Too many payloads.", 413)
        try:
            payloads = Parse(body, Payloads())
            opened = await codec.decode(payloads.payloads)
        except (ParseError, UnicodeDecodeError):
            return PlainTextResponse("Send payloads as Temporal's Web UI does.", 400)
        except PayloadKeyMissing as error:
            return PlainTextResponse(str(error), 400)
        return Response(MessageToJson(Payloads(payloads=opened)), media_type="application/json")

    async def greet(request: Request) -> Response:
        if not shows_token(request.headers.get("authorization", ""), token):
            return PlainTextResponse("Show FLUXRATE_OPERATOR_TOKEN.", 401, CHALLENGE)
        return PlainTextResponse("The Web UI may now show what is sealed.")

    cors = Middleware(
        CORSMiddleware,
        allow_origins=[_origin_of(ui_url)],
        allow_methods=["POST"],
        allow_headers=["content-type", "x-namespace", "authorization"],
        allow_credentials=True,
    )
    routes = [Route("/decode", decode, methods=["POST"]), Route("/", greet, methods=["GET"])]
    return Starlette(routes=routes, middleware=[cors])


async def _read(request: Request) -> bytes | None:
    """The body, None if it is too long."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
