"""``fluxrate mail``: what was not delivered, sent again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from cli.usage import DataDirectory, OrganizationOption, list_organizations, open_database

if TYPE_CHECKING:
    from repositories.transactions import Transactions

app = typer.Typer(help="Mails to customers.", no_args_is_help=True)


@app.callback()
def mail() -> None:
    """Mails to customers."""


@app.command("retry-failed")
def retry_failed(organization: OrganizationOption = None, data_dir: DataDirectory = None) -> None:
    """Queue every failed mail again. Exit code 1 if one still cannot be sent; it says why."""
    from cli.output import make_console

    console = make_console()
    is_any_left = False
    with open_database(data_dir) as transactions:
        for organization_id in list_organizations(transactions, organization):
            queued, unsendable = retry_all(transactions, organization_id)
            if queued or unsendable:
                console.print(
                    f"{organization_id}: {queued:,} wait again, {unsendable:,} cannot be sent."
                )
            is_any_left = is_any_left or unsendable > 0
    raise typer.Exit(1 if is_any_left else 0)


def retry_all(transactions: Transactions, organization_id: UUID) -> tuple[int, int]:
    """How many of an organization's failed mails wait again, and how many cannot be sent."""
    from services.mail import requests

    queued = unsendable = 0
    after: UUID | None = None
    while True:
        with transactions.for_organization(organization_id) as session:
            done = requests.retry_failed(
                session, organization_id, after=after, now=datetime.now(UTC)
            )
        queued, unsendable, after = (
            queued + done.queued,
            unsendable + done.unsendable,
            done.following,
        )
        if after is None:
            return queued, unsendable
