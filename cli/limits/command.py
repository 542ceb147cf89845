"""``fluxrate limits``: what the operator allows one organization."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.usage import (
    DataDirectory,
    OrganizationOption,
    find_organization,
    list_organizations,
    open_database,
)

app = typer.Typer(help="Limits of an organization's own.", no_args_is_help=True)

Words = Annotated[
    list[str], typer.Argument(help="Such as requests=1000 plans=50, or plans=default.")
]


@app.callback()
def limits() -> None:
    """Limits of an organization's own."""


@app.command("set")
def set_own(
    words: Words, organization: OrganizationOption = None, data_dir: DataDirectory = None
) -> None:
    """Allow an organization more or less than everybody; running APIs do so at once."""
    from datetime import UTC, datetime

    from billing.quotas import DEFAULT, read_limits
    from cli.output import make_console, refuse
    from services.own_limits import set_limits

    try:
        stated = read_limits(words)
    except ValueError as error:
        refuse(str(error))
    with open_database(data_dir) as transactions:
        whose = find_organization(transactions, organization)
        with transactions.for_organization(whose) as session:
            set_limits(session, whose, stated, now=datetime.now(UTC))
    for name, most in stated.items():
        shown = DEFAULT if most is None else most
        make_console().print(f"{whose} {name}={shown}", soft_wrap=True, markup=False)


@app.command()
def show(organization: OrganizationOption = None, data_dir: DataDirectory = None) -> None:
    """List what is said of single organizations; all others have the installation's limits."""
    from cli.output import make_console
    from services.own_limits import read_own_limits

    console = make_console()
    with open_database(data_dir) as transactions:
        ids = list_organizations(transactions, organization)
        found = read_own_limits(transactions)
    for one in ids:
        for name, most in found.get(one, {}).items():
            console.print(f"{one} {name}={most}", soft_wrap=True, markup=False)
