"""Serve the API over HTTP: ``fluxrate api``, and the child process of ``fluxrate up``."""

from __future__ import annotations

import argparse
from typing import NoReturn, TypedDict

from cli.requirements import require_servers
from runtime.exit import leave
from runtime.settings import Settings
from runtime.telemetry import configure_logging

GRACEFUL_SECONDS = 10


class Forwarding(TypedDict):
    """What the server is told about proxies."""

    proxy_headers: bool
    forwarded_allow_ips: str


def serve(host: str, port: int) -> NoReturn:
    """Answer requests until SIGTERM or SIGINT; requests that run are finished first.

    Raises:
        Refusal: a setting is missing.
    """
    settings = Settings()
    database_url, temporal_address = require_servers(settings, "The API")
    configure_logging("api")

    import uvicorn

    from cli.composition import ApiProcess

    process = ApiProcess(settings, database_url, temporal_address)
    uvicorn.run(
        process.build(),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        **forwarding(settings),
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    leave(0)


def forwarding(settings: Settings) -> Forwarding:
    """The server believes of the proxies named, and of nobody else, for whom they speak."""
    return {
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    serve(arguments.host, arguments.port)
