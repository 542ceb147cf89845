"""Pages of the reference that are made as the site is built: of the product, and its changelog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from api.document.operations import Document, operations
from cli.composition import ApiProcess
from cli.main import app
from clients.generator.places import CLIENTS
from tests.docs.pages import DOCS
from tests.docs.site.operation_pages import FOLDER, file_of, write_pages
from tests.docs.site.settings_page import list_settings
from tests.scenarios.product import settings_for

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
ROUTES = """# Every route

What each route takes and answers stands on the page of its topic, with samples in three languages;
to try out it is at `/docs` of a running product, and for programs at `/openapi.json`. What holds on
all of them: [requests](../concepts/requests.md).
"""
COMMANDS = """# Commands

What `fluxrate` can do, as `fluxrate --help` says it. Exit code 0: done; 1: refused, and a sentence
says why; 2: a setting or an option is wrong.
"""


def write_reference(folder: Path) -> None:
    """The pages lie in the folder, and its index links them."""
    index = folder / "index.md"
    text = index.read_text()
    document = print_document()
    pages = {
        **write_pages(document),
        "api.md": list_routes(document),
        "commands.md": list_commands(),
        "settings.md": list_settings(),
        "python.md": read_client("Python"),
        "typescript.md": read_client("TypeScript"),
        "changelog.md": read_changelog(),
    }
    (folder / FOLDER).mkdir()
    for name, page in pages.items():
        (folder / name).write_text(page)
        title = page.splitlines()[0].removeprefix("# ")
        text = text.replace(f"| {title} |", f"| [{title}]({name}) |")
    index.write_text(text)


def read_client(language: str) -> str:
    """What the README of a client says; its blocks are run by the client's own tests."""
    text = (CLIENTS / language.lower() / "README.md").read_text()
    return text.replace("# fluxrate-client", f"# The client for {language}", 1)


def read_changelog() -> str:
    """The changelog of the repository, its links as they lead from the reference."""
    return (DOCS.parent / "CHANGELOG.md").read_text().replace("](docs/", "](../")


def print_document() -> Document:
    """The document that describes the API."""
    settings = settings_for(NOWHERE, "127.0.0.1:1")
    return ApiProcess(settings, NOWHERE, "127.0.0.1:1").build().openapi()


def list_routes(document: Document) -> str:
    """Routes by topic, in the order and the words of the document."""
    topics = {tag["name"]: tag["description"] for tag in document["tags"]}
    rows: dict[str, list[str]] = defaultdict(list)
    for path, method, operation in operations(document):
        rows[operation["tags"][0]].append(
            f"| `{method.upper()}` | `{path}` | {operation['summary']} |"
        )
    parts = [ROUTES]
    for topic, description in topics.items():
        lines = "\n".join(rows[topic])
        title = f"## [{topic}]({file_of(topic)})"
        parts.append(
            f"{title}\n\n{description}\n\n| Method | Path | What |\n|---|---|---|\n{lines}\n"
        )
    return "\n".join(parts)


def list_commands() -> str:
    """Commands with their options, in the words of their help."""
    return "\n".join([COMMANDS, *_describe("fluxrate", get_command(app))])


def _describe(name: str, command: object) -> Iterator[str]:
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            yield from _describe(f"{name} {inner.name}", inner)
        return
    assert isinstance(command, TyperCommand)
    yield f"## {name}\n\n{' '.join((command.help or '').split())}\n"
    rows = [
        f"| `{' '.join(option.opts)}` | {getattr(option, 'help', None) or ''} |"
        for option in command.params
    ]
    if rows:
        yield "\n".join(["| | |", "|---|---|", *rows]) + "\n"
