"""``fluxrate sandbox-gateway``: the sandbox gateway by itself, and what its ledger comes to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The sandbox gateway by itself, with its ledger in a file.")

LedgerFile = Annotated[Path, typer.Option(help="The file of its ledger; made if there is none.")]
Host = Annotated[str, typer.Option(help="Where to listen. Whoever reaches it may open accounts.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")]
Address = Annotated[
    str | None, typer.Option(help="Where browsers find its pages, if not where it listens.")
]


@app.command()
def serve(
    ledger: LedgerFile = Path("sandbox-gateway.sqlite"),
    host: Host = "127.0.0.1",
    port: Port = 8010,
    address: Address = None,
) -> None:
    """Serve it until Ctrl-C. Processes with FLUXRATE_SANDBOX_GATEWAY_URL ask it.

    What it answered and was paid is in the file, and survives whatever is killed.
    """
    import asyncio

    asyncio.run(_serve(ledger, host, port, address))


@app.command("ledger")
def show_ledger(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The ledger's file.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="As JSON, invoice by invoice.")] = False,
) -> None:
    """Show what a ledger comes to."""
    from integrations.gateways.sandbox.ledger.books import open_ledger_file
    from integrations.gateways.sandbox.ledger.sums import sum_up
    from integrations.gateways.sandbox.wire import amount_of, encode

    sums = open_ledger_file(file).run(sum_up)
    if json:
        typer.echo(encode(sums))
        return
    for total in sums.totals:
        paid = amount_of(total.paid_minor, total.currency)
        refunded = amount_of(total.refunded_minor, total.currency)
        typer.echo(
            f"{total.currency}: {total.succeeded} payments of {total.invoices} invoices,"
            f" {paid} paid, {refunded} refunded"
        )
    typer.echo(f"{sums.webhooks_waiting} webhooks wait to arrive.")


async def _serve(ledger: Path, host: str, port: int, address: str | None) -> None:
    import asyncio
    from datetime import UTC, datetime

    import uvicorn

    from cli.serve import bind
    from integrations.gateways.sandbox.ledger.books import open_ledger_file
    from runtime.relays.sandbox_gateway import serve_ledger
    from runtime.telemetry import configure_logging

    configure_logging("sandbox-gateway")
    bound = bind(host, port, who="The sandbox gateway")
    place = address or f"http://{host}:{bound.getsockname()[1]}"
    server, relay = serve_ledger(
        open_ledger_file(ledger), address=place, now=lambda: datetime.now(UTC), threads=4
    )
    config = uvicorn.Config(server.app, log_config=None, access_log=False, server_header=False)
    sending = asyncio.create_task(relay.run())
    # Whoever connects from now on waits until it answers, and is not refused.
    bound.listen()
    typer.echo(f"The sandbox gateway listens at {place}")
    try:
        await uvicorn.Server(config).serve(sockets=[bound])
    finally:
        sending.cancel()
        await asyncio.wait([sending])
