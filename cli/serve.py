"""Serve the API over HTTP: ``fluxrate api``, and the child process of ``fluxrate up``."""

from __future__ import annotations

import argparse
import socket
import tempfile
from contextlib import suppress
from typing import Final, NoReturn, TypedDict

from cli.output import refuse
from cli.requirements import require_servers
from runtime.exit import leave
from runtime.measuring.files import COUNTERS_DIRECTORY
from runtime.processes.group import ProcessGroup
from runtime.processes.priority import take_short_turns
from runtime.serving.connections import Connections, allow_files
from runtime.settings import Settings
from runtime.telemetry import configure_logging

GRACEFUL_SECONDS = 10
BACKLOG: Final = 2048


class Forwarding(TypedDict):
    """What the server is told about proxies."""

    proxy_headers: bool
    forwarded_allow_ips: str


def serve(host: str, port: int, processes: int) -> NoReturn:
    """Answer requests until SIGTERM or SIGINT; requests that run are finished first.

    Raises:
        Refusal: a setting is missing, or nobody can listen there.
    """
    settings = Settings()
    require_servers(settings, "The API")
    configure_logging("api", level=settings.log_level)
    bound = bind(host, port)
    if processes == 1:
        answer_on(bound, settings)
    port = bound.getsockname()[1]
    bound.close()
    # Kept for processes that share it, while those that ended are replaced.
    with bind(host, port, is_shared=True), tempfile.TemporaryDirectory() as counters:
        code = ProcessGroup(
            ["cli.serve", "--host", host, "--port", str(port), "--one-of-several"],
            processes,
            environment={COUNTERS_DIRECTORY: counters},
        ).run()
    leave(code)


def bind(host: str, port: int, *, is_shared: bool = False, who: str = "The API") -> socket.socket:
    """The socket on which a process will take connections, alone or with others.

    The kernel gives each of several processes a share of the connections; of one socket that all
    had inherited, the first to wake takes whatever waits. Raises Refusal.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if bound.family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        refuse(f"{who} cannot listen on {host}, port {port}: {error.strerror}.")
    return bound


def answer_on(bound: socket.socket, settings: Settings) -> NoReturn:
    """Answer the requests that come by this socket, on which nobody listened before."""
    import uvicorn

    from cli.composition import ApiProcess
    from runtime.temporal import make_runtime

    take_short_turns()
    database_url, temporal_address = require_servers(settings, "The API")
    process = ApiProcess(settings, database_url, temporal_address, temporal_runtime=make_runtime())
    connections = Connections(allow_files(settings.api_connections))
    config = uvicorn.Config(
        process.build(),
        http=connections.accept,  # type: ignore[arg-type]  # called, never subclassed
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        **forwarding(settings),
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[bound])
    leave(0 if server.started else 1)


def forwarding(settings: Settings) -> Forwarding:
    """The server believes of the proxies named, and of nobody else, for whom they speak."""
    return {
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
    }


def main() -> NoReturn:
    """Serve as the words of the command line say; ``--one-of-several`` shares its port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--one-of-several", action=argparse.BooleanOptionalAction)
    arguments = parser.parse_args()
    if not arguments.one_of_several:
        serve(arguments.host, arguments.port, arguments.processes)
    settings = Settings()
    configure_logging("api", level=settings.log_level)
    answer_on(bind(arguments.host, arguments.port, is_shared=True), settings)


if __name__ == "__main__":
    main()
