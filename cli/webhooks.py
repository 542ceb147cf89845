"""``fluxrate webhooks``: what comes to a developer's machine, printed and verified."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Annotated

import typer

app = typer.Typer(help="Webhooks, as their receiver sees them.", no_args_is_help=True)

LONGEST_BODY = 1024 * 1024

Secret = Annotated[
    str,
    typer.Option(
        envvar="FLUXRATE_WEBHOOK_SECRET",
        help="The endpoint's `secret` or `signing_secret`.",
    ),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")]


@app.callback()
def webhooks() -> None:
    """Webhooks, as their receiver sees them."""


@app.command()
def listen(secret: Secret, port: Port = 9000, count: int = 0) -> None:
    """Print each delivery and whether its signatures are right, until Ctrl-C or after COUNT.

    Those that are signed are answered 200, all others 401. The API must run with
    FLUXRATE_ALLOW_PRIVATE_WEBHOOKS=1 to reach this machine.
    """
    with HTTPServer(("127.0.0.1", port), _receiver_of(secret)) as server:
        typer.echo(f"Listening at http://127.0.0.1:{server.server_address[1]}/")
        try:
            while True:
                server.handle_request()
                count -= 1
                if count == 0:
                    return
        except KeyboardInterrupt:
            return


def describe(body: bytes, headers: dict[str, str], *, is_right: bool) -> str:
    """A delivery as a person reads it. What the body holds is printed as escaped JSON only."""
    try:
        shown = json.dumps(json.loads(body), indent=2)
    except ValueError:
        shown = repr(body[:1000])
    verdict = "signatures are right" if is_right else "SIGNATURES ARE WRONG"
    message_id = json.dumps(headers.get("webhook-id", ""))[1:-1]
    return f"{message_id} {verdict}\n{shown}"


def _receiver_of(secret: str) -> type[BaseHTTPRequestHandler]:
    from billing.notifications.signatures import is_signed

    class Receiver(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            """Print a delivery, and answer whether it is ours."""
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LONGEST_BODY:
                self.send_error(413)
                return
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_right = is_signed(body, headers, secret=secret, now=datetime.now(UTC))
            typer.echo(describe(body, headers, is_right=is_right))
            self.send_response(200 if is_right else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The delivery itself is what is printed."""

    return Receiver
