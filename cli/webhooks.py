"""``fluxrate webhooks``: what comes to a developer's machine, printed, verified and handed on."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from httpx2 import Client, Response

app = typer.Typer(help="Webhooks, as their receiver sees them.", no_args_is_help=True)

LONGEST_BODY = 1024 * 1024
FORWARDING_SECONDS: Final = 14
"""Less than Fluxrate waits for an answer, so that a slow receiver is told of here."""

TRIES: Final = 5

NOT_HANDED_ON: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})

Secret = Annotated[
    str | None,
    typer.Option(
        envvar="FLUXRATE_WEBHOOK_SECRET",
        help="The `secret` or `signing_secret` of an endpoint that you made.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        envvar="FLUXRATE_API_KEY",
        help="A key with the scope billing.write: an endpoint is made for as long as this runs.",
    ),
]
ApiAddress = Annotated[
    str | None,
    typer.Option("--api-url", help="Where the API is. Default: the instance that runs here."),
]
Target = Annotated[
    str | None,
    typer.Option(help="Where each delivery is handed on to; its answer becomes ours."),
]
Events = Annotated[str, typer.Option(help="What is listened for, separated by commas.")]
Event = Annotated[str, typer.Argument(help="Which event, such as invoice.paid.")]
Receiver = Annotated[str, typer.Option(help="The address of the receiver.")]
TriggerSecret = Annotated[
    str,
    typer.Option(
        envvar="FLUXRATE_WEBHOOK_SECRET",
        help="What the receiver checks signatures by: a `secret` or a `signing_secret`.",
    ),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")]
Count = Annotated[int, typer.Option(help="End after so many deliveries; 0 goes on.")]


@app.callback()
def webhooks() -> None:
    """Webhooks, as their receiver sees them."""


@app.command()
def listen(
    *,
    secret: Secret = None,
    api_key: Key = None,
    api_url: ApiAddress = None,
    forward_to: Target = None,
    events: Events = "*",
    port: Port = 9000,
    count: Count = 0,
) -> None:
    """Print each delivery and whether its signatures are right, until Ctrl-C or after COUNT.

    With --api-key an endpoint is made at the API and deleted at the end; with --secret it is one
    that you made. Deliveries that are signed are handed on to --forward-to as they came, or
    answered 200; all others are answered 401. The API must run with
    FLUXRATE_ALLOW_PRIVATE_WEBHOOKS=true to reach this machine.
    """
    from cli.output import refuse

    if secret is None and api_key is None:
        refuse("Name the endpoint's --secret, or an --api-key to make an endpoint with.")
    told = Listener()
    with _server_at(port, told) as server, told.forwarding(forward_to):
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        if secret is not None:
            told.secret = secret
            typer.echo(f"Listening at {url}")
            _serve(server, count)
            return
        with _endpoint(url, api_key or "", api_url, events.split(",")) as told.secret:
            typer.echo(f"Listening at {url}")
            typer.echo(f"Signing secret: {told.secret}")
            _serve(server, count)


@app.command()
def trigger(event: Event, *, to: Receiver, secret: TriggerSecret) -> None:
    """Send a sample of EVENT to a receiver, signed as a delivery is. No API is asked for anything.

    The sample is the one of the API's document: its ids are of nothing, and nothing happens but
    this. Exit code 1 if the receiver does not answer 200 to 299.
    """
    from uuid import uuid4

    from httpx2 import Client, InvalidURL, TransportError

    from api.document.webhooks import read_told
    from billing.notifications.signatures import plain_secret, sign
    from cli.output import refuse

    told = read_told()
    if event not in told:
        refuse(f"No event is called {event}. There are {', '.join(sorted(told))}.")
    at, message_id = datetime.now(UTC), f"sample_{uuid4().hex}"
    body = json.dumps(told[event] | {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()
    try:
        headers = sign(body, message_id=message_id, at=at, secrets=[plain_secret(secret)])
        with Client(timeout=FORWARDING_SECONDS, trust_env=False) as client:
            kind = {"Content-Type": "application/json"}
            answer = client.post(to, content=body, headers=headers | kind)
    except (InvalidURL, TransportError, ValueError) as error:
        refuse(f"Nothing can be sent to {to}: {error}")
    typer.echo(f"{event} {message_id} → {to} answers {answer.status_code}")
    if not answer.is_success:
        raise typer.Exit(1)


def _server_at(port: int, told: Listener) -> HTTPServer:
    from cli.output import refuse

    try:
        return HTTPServer(("127.0.0.1", port), _receiver_of(told))
    except OSError as error:  # another program has it, or it is the system's alone
        refuse(
            f"Nothing can listen on port {port} here ({error.strerror}). Choose another one with"
            " --port, or --port 0, which takes a free one."
        )


def _serve(server: HTTPServer, count: int) -> None:
    # As Ctrl-C does: the endpoint is deleted on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            server.handle_request()
            count -= 1
            if count == 0:
                return
    except KeyboardInterrupt:
        return


@contextmanager
def _endpoint(url: str, api_key: str, api_url: str | None, events: list[str]) -> Iterator[str]:
    """The signing secret of an endpoint that is there for as long as the block runs."""
    from httpx2 import Client, TransportError

    from cli.events.command import find_api
    from cli.output import refuse

    base = find_api(api_url)
    with Client(base_url=base, trust_env=False, headers={"X-API-Key": api_key}) as client:
        body = {"url": url, "events": [one.strip() for one in events]}
        try:
            made = client.post("/webhook-endpoints", json=body | {"description": "fluxrate listen"})
        except TransportError as error:
            refuse(f"No API answers at {base}: {error}")
        if made.status_code != 201:
            refuse(_why(made))
        endpoint = made.json()
        try:
            yield str(endpoint["signing_secret"])
        finally:
            _delete(client, f"/webhook-endpoints/{endpoint['id']}")


def _delete(client: Client, path: str) -> None:
    """The endpoint is gone, or a sentence says that it is not."""
    from httpx2 import TransportError

    for _ in range(TRIES):
        try:
            if client.delete(path).status_code in (204, 404):
                return
        except TransportError:
            pass
        time.sleep(1)
    typer.echo(f"The endpoint stays, since the API is away: DELETE {path}")


def _why(refused: Response) -> str:
    problem = refused.json() if refused.content else {}
    return f"The API refuses the endpoint: {problem.get('detail', refused.status_code)}"


@dataclass(slots=True)
class Listener:
    """Whose deliveries are right, and where they are handed on to."""

    secret: str = ""
    target: str | None = None
    client: Client | None = None

    @contextmanager
    def forwarding(self, target: str | None) -> Iterator[None]:
        """Deliveries go to the target, if there is one, by one client."""
        if target is None:
            yield
            return
        from httpx2 import Client

        with Client(timeout=FORWARDING_SECONDS, trust_env=False) as self.client:
            self.target = target
            yield

    def hand_on(self, body: bytes, headers: dict[str, str]) -> int:
        """What the target answers to the same delivery: 502 where it does not answer at all."""
        if self.client is None or self.target is None:
            return 200
        from httpx2 import TransportError

        kept = {name: one for name, one in headers.items() if name not in NOT_HANDED_ON}
        try:
            status = self.client.post(self.target, content=body, headers=kept).status_code
        except TransportError as error:
            typer.echo(f"→ {self.target} does not answer: {error}")
            return 502
        typer.echo(f"→ {self.target} answers {status}")
        return status


def describe(body: bytes, headers: dict[str, str], *, is_right: bool) -> str:
    """A delivery as a person reads it. What the body holds is printed as escaped JSON only."""
    try:
        shown = json.dumps(json.loads(body), indent=2)
    except ValueError:
        shown = repr(body[:1000])
    verdict = "signatures are right" if is_right else "SIGNATURES ARE WRONG"
    message_id = json.dumps(headers.get("webhook-id", ""))[1:-1]
    return f"{message_id} {verdict}\n{shown}"


def _receiver_of(listener: Listener) -> type[BaseHTTPRequestHandler]:
    from billing.notifications.signatures import is_signed

    class Receiver(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            """Print a delivery, and answer whether it is ours, or what the target says to it."""
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LONGEST_BODY:
                self.send_error(413)
                return
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_right = is_signed(body, headers, secret=listener.secret, now=datetime.now(UTC))
            typer.echo(describe(body, headers, is_right=is_right))
            self.send_response(listener.hand_on(body, headers) if is_right else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The delivery itself is what is printed."""

    return Receiver
