"""``fluxrate audit``: the chain of the audit log, on the machine itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from billing.audit_log.formats import AuditFormat
from cli.usage import (
    DataDirectory,
    OrganizationOption,
    find_organization,
    list_organizations,
    open_database,
)

if TYPE_CHECKING:
    from rich.console import Console

    from billing.audit_log.chain import Head
    from repositories.transactions import Transactions

app = typer.Typer(help="Verify and export the audit log.", no_args_is_help=True)

Heads = Annotated[
    Path | None,
    typer.Option(
        "--heads", exists=True, dir_okay=False, help="Heads that an earlier run wrote down."
    ),
]
WriteHeads = Annotated[
    Path | None,
    typer.Option(
        "--write-heads", dir_okay=False, help="Write the heads into this file, if all holds."
    ),
]
Language = Annotated[AuditFormat, typer.Option("--format", help="Lines of JSON, or a table.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", dir_okay=False, help="A file, written whole or not at all. Default: here."
    ),
]

AT_ONCE = 1_000
"""How many entries are exported or bound in one transaction."""


@app.callback()
def audit() -> None:
    """Verify and export the audit log."""


@app.command()
def verify(
    *,
    heads: Heads = None,
    write_heads: WriteHeads = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectory = None,
) -> None:
    """Follow every chain from its first entry. Exit code 1 if one is broken.

    Names the first broken link of each. Keep what --write-heads writes where the database's
    administrators cannot reach it, and give it to the next run: it alone tells a history that was
    written anew.
    """
    from cli.output import make_console, open_output

    kept = {} if heads is None else _read_heads(heads)
    console = make_console()
    with open_database(data_dir) as transactions:
        ids = list_organizations(transactions, organization)
        found = follow_chains(console, transactions, ids, kept)
    missing = kept.keys() - set(ids) if organization is None else set()
    for one in sorted(missing):
        console.print(f"{one}: the organization is gone.", soft_wrap=True)
    if missing or len(found) < len(ids):
        raise typer.Exit(1)
    if write_heads is not None:
        with open_output(write_heads) as file:
            file.writelines(f"{one} {head.position}:{head.digest}\n" for one, head in found.items())


@app.command()
def link(organization: OrganizationOption = None, data_dir: DataDirectory = None) -> None:
    """Bind entries that have no place in their chain, as they are found.

    Processes of a version before the chain write such while they are replaced. If none ran, ask
    who put the entry there first: only `audit.linked` in the log says that it was bound late.
    """
    from datetime import UTC, datetime

    from cli.output import make_console
    from services.audit_log import link_standing

    console = make_console()
    with open_database(data_dir) as transactions:
        for organization_id in list_organizations(transactions, organization):
            bound, count = 0, AT_ONCE
            while count == AT_ONCE:
                with transactions.for_organization(organization_id) as session:
                    count = link_standing(
                        session, organization_id, limit=AT_ONCE, now=datetime.now(UTC)
                    )
                bound += count
            if bound:
                console.print(f"{organization_id}: {bound:,} entries were bound.")


@app.command()
def export(
    *,
    language: Language = AuditFormat.NDJSON,
    organization: Annotated[
        UUID | None,
        typer.Option("--organization", help="Whose log. Not needed where there is only one."),
    ] = None,
    output: Output = None,
    data_dir: DataDirectory = None,
) -> None:
    """Write an organization's audit log, in the order of its chain."""
    from billing.audit_log.formats import begin, write
    from cli.output import open_output
    from repositories.audit_links import list_links

    with open_database(data_dir) as transactions:
        organization_id = find_organization(transactions, organization)
        with open_output(output) as file:
            file.write(begin(language))
            after: int | None = 0
            while after is not None:
                with transactions.for_organization(organization_id) as session:
                    links = list_links(session, organization_id, after=after, limit=AT_ONCE)
                    text = write(language, links)
                file.write(text)
                after = links[-1].position if len(links) == AT_ONCE else None
            file.flush()


def follow_chains(
    console: Console,
    transactions: Transactions,
    ids: Sequence[UUID],
    kept: Mapping[UUID, Head] | None = None,
) -> dict[UUID, Head]:
    """Where the chains end that hold, by organization; each is told of, also one that is broken.

    ``kept`` are heads that were written down before, which a chain must still contain.
    """
    heads = {one: _verify_one(console, transactions, one, (kept or {}).get(one)) for one in ids}
    return {one: head for one, head in heads.items() if head is not None}


def _verify_one(
    console: Console, transactions: Transactions, organization_id: UUID, kept: Head | None
) -> Head | None:
    """Where a chain ends that holds, None for one that does not; what is found is printed."""
    from services.audit_chain import walk_chain

    checked = 0
    for part in walk_chain(transactions, organization_id, kept):
        checked += part.checked
        if part.broken is not None:
            place = "" if part.broken.position is None else f" position {part.broken.position}"
            entry = "" if part.broken.entry_id is None else f" entry {part.broken.entry_id}"
            where = f"{organization_id}{place}{entry}"
            sentence = f"{where}: {part.broken.fault}: {part.broken.detail}"
            console.print(sentence, soft_wrap=True, markup=False)
            return None
    head = part.through
    console.print(
        f"{organization_id}: {checked:,} entries hold; the head is {head.position}:{head.digest}.",
        soft_wrap=True,
        markup=False,
    )
    return head


def _read_heads(path: Path) -> Mapping[UUID, Head]:
    """The heads of a file that this command wrote. Raises Refusal."""
    from billing.audit_log.chain import Head
    from cli.output import refuse

    heads = {}
    try:
        for line in path.read_text().splitlines():
            organization, _, place = line.partition(" ")
            position, _, digest = place.partition(":")
            known = None if digest == "None" else digest
            heads[UUID(organization)] = Head(position=int(position), digest=known)
    except ValueError:
        refuse(f"{path} is no file of heads.")
    return heads
