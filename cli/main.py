"""The ``fluxrate`` command. Commands import what they need when they run: help is instant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import invoices, mail, sandbox_gateway, usage, webhooks
from cli.audit import command as audit
from cli.books import command as books
from cli.events import command as events
from cli.limits import command as limits
from cli.migration import command as migration

app = typer.Typer(
    name="fluxrate",
    help="Self-hosted usage billing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(usage.app, name="usage")
app.add_typer(events.app, name="events")
app.add_typer(books.app, name="books")
app.add_typer(audit.app, name="audit")
app.add_typer(limits.app, name="limits")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(invoices.app, name="invoices")
app.add_typer(sandbox_gateway.app, name="sandbox-gateway")
app.add_typer(mail.app, name="mail")
app.command()(invoices.regress)
app.command(name="import")(migration.import_export)

DataDirectory = Annotated[
    Path | None,
    typer.Option(help="Where this instance keeps its data. Default: FLUXRATE_DATA_DIR or .data."),
]
RunningDirectory = Annotated[
    Path | None,
    typer.Option("--data-dir", help="The instance that is meant, unless DATABASE_URL is set."),
]
DirectoryOfUp = Annotated[
    Path | None,
    typer.Option("--data-dir", help="The data directory of `fluxrate up`. Default: DATABASE_URL."),
]
BackupFile = Annotated[Path, typer.Argument(dir_okay=False, help="The file of the backup.")]
KeysToWrite = Annotated[
    Path | None,
    typer.Option("--keys", dir_okay=False, help="Write the keys that open it into this file."),
]
KeysToRead = Annotated[
    Path | None,
    typer.Option("--keys", help="The file with its keys. Default: FLUXRATE_SECRET_KEY."),
]
Verifies = Annotated[
    bool, typer.Option("--verify/--no-verify", help="Compute all issued invoices again.")
]
Keep = Annotated[
    bool, typer.Option("--keep", help="Go on running, with what was made, until Ctrl-C.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Nothing leaves: mails, webhooks, charges and top-ups wait. For a restored copy.",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(min=1, help="How many of them. By default as many as the processors are for."),
]


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"fluxrate {version('fluxrate')}")
        raise typer.Exit


@app.callback()
def fluxrate(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Self-hosted usage billing."""


@app.command()
def up(data_dir: DataDirectory = None, port: Port = 8000, *, quiet: Quiet = False) -> None:
    """Run everything in the foreground: database, Temporal, API and worker. Ctrl-C stops it."""
    from cli.local.commands import up as run_up

    raise typer.Exit(run_up(data_dir, port, is_quiet=quiet))


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of this version; nothing has to run."""
    import json

    from api.app import describe

    typer.echo(json.dumps(describe(), indent=2, ensure_ascii=False))


@app.command()
def status(data_dir: DataDirectory = None) -> None:
    """Show what runs and where it answers. Exit code 3 if it is not up."""
    from cli.local.commands import status as show_status

    raise typer.Exit(show_status(data_dir))


@app.command()
def down(data_dir: DataDirectory = None) -> None:
    """Stop an instance, or what is left of one that was killed."""
    from cli.local.commands import down as stop_instance

    raise typer.Exit(stop_instance(data_dir))


@app.command()
def demo(data_dir: DataDirectory = None, keep: Keep = False) -> None:
    """Watch 82,450 API calls become an invoice of $82.45, through the public REST API alone."""
    from cli.output import refuse

    try:
        from cli.demo.command import demo as run_demo
    except ModuleNotFoundError as missing:
        if not str(missing.name).startswith("fluxrate_client"):
            raise
        refuse(
            "The Python client is not made yet: `make install`, or `python -m clients.generator`."
        )

    raise typer.Exit(run_demo(data_dir, keep=keep))


@app.command()
def migrate() -> None:
    """Prepare the database (schema) and Temporal (namespace, search attributes)."""
    from cli.migrate import migrate as run_migrate

    run_migrate()


@app.command()
def rebuild(data_dir: RunningDirectory = None) -> None:
    """Start every subscription's workflow again from the database, after Temporal lost data."""
    from cli.rebuild import rebuild as run_rebuild

    run_rebuild(data_dir)


@app.command()
def backup(output: BackupFile, data_dir: DirectoryOfUp = None, keys: KeysToWrite = None) -> None:
    """Write everything that an installation is into one file that only its key opens."""
    from cli.keeping.backup import backup as write_backup

    write_backup(output, data_dir, keys)


@app.command()
def restore(
    source: BackupFile,
    data_dir: DirectoryOfUp = None,
    keys: KeysToRead = None,
    *,
    verify: Verifies = True,
) -> None:
    """Make an installation out of a backup, in an empty place, and prove its invoices."""
    from cli.keeping.restore import restore as restore_backup

    raise typer.Exit(restore_backup(source, data_dir, keys, verifies=verify))


@app.command()
def doctor(data_dir: RunningDirectory = None) -> None:
    """Look for what is wrong or will be, and say what to do. Exit code 1 if something is wrong."""
    from cli.keeping.doctor import doctor as look

    raise typer.Exit(look(data_dir))


@app.command()
def reseal() -> None:
    """Seal every stored secret by FLUXRATE_SECRET_KEY, after it replaced an earlier one."""
    from cli.reseal import reseal as run_reseal

    run_reseal()


@app.command()
def api(host: str = "127.0.0.1", port: Port = 8000, processes: Processes = None) -> None:
    """Run the API alone, against DATABASE_URL and TEMPORAL_ADDRESS."""
    from cli.serve import serve
    from runtime.processes.cores import default_api_processes

    serve(host, port, processes or default_api_processes())


@app.command(name="codec-server")
def codec_server(host: str = "127.0.0.1", port: Port = 8081) -> None:
    """Let Temporal's Web UI show what FLUXRATE_TEMPORAL_CODEC_KEYS seal. Ctrl-C stops it."""
    from cli.keeping.codec_server import serve_codec

    serve_codec(host, port)


@app.command()
def worker(processes: Processes = None) -> None:
    """Run a worker alone, against DATABASE_URL and TEMPORAL_ADDRESS."""
    from cli.work import work
    from runtime.processes.cores import default_worker_processes

    work(processes or default_worker_processes())


def main() -> None:
    """Run a command; a refusal is a sentence and exit code 1, a wrong setting exit code 2."""
    from cli.output import Refusal
    from runtime.setting_errors import InvalidSettings

    try:
        app()
    except Refusal as refusal:
        typer.echo(f"fluxrate: {refusal}", err=True)
        raise SystemExit(1) from None
    except InvalidSettings as invalid:
        typer.echo(f"fluxrate: {invalid}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
