"""What people read is true of this repository, on any machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.main import app
from runtime.settings import Settings
from tests.architecture.sources import ROOT, documents, every_source

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|Users|tmp|work|mnt)/\w+")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)")
MAKE_TARGET = re.compile(r"`make ([a-z-]+)")
COMMAND = re.compile(r"`fluxrate ([a-z]+(?:-[a-z]+)*)")
CITED_DOCUMENT = re.compile(r"\bdocs/[a-z]+/[\w-]+(?:\.py)?")


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_document_names_no_path_of_somebodys_machine(document: Path) -> None:
    assert MACHINE_PATH.findall(document.read_text()) == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(document: Path) -> None:
    missing = [
        target
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]

    assert missing == []


def test_documents_that_comments_cite_exist() -> None:
    cited = {
        (source.at(source.tree), name)
        for source in every_source()
        for name in CITED_DOCUMENT.findall(source.text)
    }

    assert cited
    assert {(place, name) for place, name in cited if not list(ROOT.glob(f"{name}*"))} == set()


def test_decision_records_are_headed_by_the_number_of_their_file() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    numbers = [int(record.name[:4]) for record in records]
    # A number may be taken by a record that is still being written.
    assert len(set(numbers)) == len(numbers)
    assert {
        record.name
        for record in records
        if not record.read_text().startswith(f"# {int(record.name[:4])}. ")
    } == set()


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for path in documents() for name in MAKE_TARGET.findall(path.read_text())}

    assert named
    assert named <= targets


def test_commands_in_documents_exist() -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]  # every command has a function
    groups = {group.name for group in app.registered_groups}
    named = {name for path in documents() for name in COMMAND.findall(path.read_text())}

    assert named
    assert named <= commands | groups


def test_every_setting_is_documented_for_operators() -> None:
    text = (ROOT / "docs" / "operators" / "running.md").read_text()
    names = {
        str(field.validation_alias or f"FLUXRATE_{name.upper()}")
        for name, field in Settings.model_fields.items()
    }

    assert {name for name in names if f"`{name}`" not in text} == set()


def test_compose_file_asks_only_for_what_the_example_environment_lists() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    example = (ROOT / ".env.example").read_text()
    required = set(re.findall(r"\$\{(\w+):\?", compose))

    assert required
    assert {name for name in required if f"\n{name}=" not in example} == set()


def test_compose_file_has_no_password_of_its_own() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    secrets = re.findall(
        r"^ +\w*(?:PASSWORD|PWD|SECRET|DATABASE_URL)\w*: .*$", compose, re.MULTILINE
    )

    assert secrets
    # What may be empty is empty there.
    assert [line for line in secrets if ":?" not in line and not line.endswith(":-}")] == []


def test_tests_named_in_the_table_of_faults_exist() -> None:
    text = (ROOT / "docs" / "development" / "faults.md").read_text()
    named = set(re.findall(r"`([a-z_/]+\.py)`", text))

    assert named
    assert {name for name in named if not (ROOT / "tests" / name).exists()} == set()
