"""``fluxrate import``: what another billing system exports, made through the public API."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.migration.bringing import Report
    from cli.migration.exports import Record
    from cli.migration.wanted import Wanted


class System(StrEnum):
    """Whose export it is."""

    STRIPE = "stripe"
    LAGO = "lago"
    OPENMETER = "openmeter"


def import_export(
    system: Annotated[System, typer.Argument(help="Whose export it is.")],
    files: Annotated[list[Path], typer.Argument(help="JSON, NDJSON; of Stripe also CSV.")],
    *,
    api_key: Annotated[
        str,
        typer.Option(
            envvar="FLUXRATE_API_KEY",
            help="A key with the scope billing.write, and usage.write for events.",
        ),
    ],
    api_url: Annotated[
        str | None, typer.Option(help="Where the API is. Default: the running instance.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be made, and make nothing.")
    ] = False,
    allow_skipped: Annotated[
        bool, typer.Option("--allow-skipped", help="Exit code 0 also if something was skipped.")
    ] = False,
) -> None:
    """Bring plans, meters, customers and subscriptions of another billing system.

    What is there already by its name is left as it is, so a repeat changes nothing. Exit code 1 if
    something was skipped, unless that is allowed.
    """
    from datetime import UTC, datetime

    from cli.events.command import find_api
    from cli.migration.bringing import Bringing
    from cli.migration.exports import read_exports
    from cli.migration.pages import missing_pages
    from cli.migration.target import Target

    wanted = translate(system, read_exports(files))
    for name, reason in missing_pages(files):
        wanted.skip(name, reason)
    target = Target(find_api(api_url), api_key, is_rehearsal=dry_run)
    with target.client:
        report = Bringing(target, datetime.now(UTC)).bring(wanted)
    show(report, is_rehearsal=dry_run)
    raise typer.Exit(1 if report.skipped and not allow_skipped else 0)


def translate(system: System, records: Sequence[Record]) -> Wanted:
    """What an export asks for here. Raises Refusal where a field is missing or unreadable."""
    from cli.migration import lago, openmeter, stripe
    from cli.output import refuse

    translators = {
        System.STRIPE: stripe.translate,
        System.LAGO: lago.translate,
        System.OPENMETER: openmeter.translate,
    }
    try:
        return translators[system](records)
    except KeyError as missing:
        refuse(f"An object of the export has no field {missing.args[0]!r}.")
    except (ArithmeticError, TypeError, ValueError, AttributeError) as error:
        refuse(f"The export is not what {system} writes: {error}.")


def show(report: Report, *, is_rehearsal: bool) -> None:
    """What was made and found of each kind, and what was skipped with its reason."""
    from rich.markup import escape

    from cli.output import make_console

    console = make_console()
    verb = "to be made" if is_rehearsal else "made"
    for kind, made in report.made.items():
        console.print(f"{kind}: {made:,} {verb}, {report.found[kind]:,} found")
    if report.skipped:
        console.print(f"{len(report.skipped):,} skipped:")
    for one in report.skipped:
        console.print(f"  {escape(one.source)}: {escape(one.reason)}")
    if is_rehearsal:
        console.print("Nothing was changed. Leave out --dry-run to make it.")
