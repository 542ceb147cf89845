"""The drill of docs/operators/backup.md, which the gate of upgrading.md is too.

And the doctor of observing.md, on servers that run, and are destroyed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.embedded.processes import wait_until
from tests.cli.keeping.drills import (
    CANARY,
    MAY,
    Business,
    go_on,
    missing_workflows,
    rebuild,
    restored,
    stored_keys,
)
from tests.cli.running import RunningInstance, fluxrate, get


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A backup that was made under load, and what was known when it began."""

    business: Business
    backup: Path
    keys: Path
    acknowledged: set[str]
    """Events that were acknowledged before the command began."""
    invoices: list[tuple[str, str, str]]
    said: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drill")


@pytest.fixture(scope="module")
def drill(folder: Path) -> Iterator[Drill]:
    """An installation that goes on after its backup: until May, and is then stopped."""
    running = RunningInstance(folder / "first")
    try:
        business = Business.open(running.up())
        invoices = business.invoices()
        backup, keys = folder / "monday.backup", folder / "monday.keys"
        with business.under_load():
            assert wait_until(lambda: len(business.acknowledged) > 50, timeout_seconds=60)
            acknowledged = set(business.acknowledged)
            done = fluxrate("backup", str(backup), *running.directory_option, "--keys", str(keys))
            assert done.returncode == 0, done.stdout + done.stderr
        business.advance(MAY)
        assert len(business.invoices()) > len(invoices)
        done_down = fluxrate("down", *running.directory_option)
        assert done_down.returncode == 0
        yield Drill(
            business=business,
            backup=backup,
            keys=keys,
            acknowledged=acknowledged,
            invoices=invoices,
            said=done.stdout,
        )
    finally:
        running.clean_up()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[RunningInstance]:
    """Where a test restores to."""
    place = RunningInstance(tmp_path / "restored")
    try:
        yield place
    finally:
        place.clean_up()


def bring_back(drill: Drill, place: RunningInstance) -> Business:
    """It runs again, out of the backup alone."""
    if not place.data_dir.exists():
        restored(place.data_dir, drill.backup, drill.keys)
    return drill.business.moved_to(place.up("--quiet"))


def test_everything_destroyed_and_restored_from_a_backup_under_load(
    drill: Drill, place: RunningInstance
) -> None:
    business = bring_back(drill, place)

    assert drill.acknowledged - stored_keys(place) == set()
    rebuild(place)
    go_on(business, drill.invoices)
    assert "Quiet: no mail, webhook, charge or top-up leaves" in place.output
    status = get(f"{place.addresses.host_url}/status")
    assert status.json()["outbound"] == "off"
    assert "nothing leaves" in fluxrate("doctor", *place.directory_option).stdout


def test_temporal_is_lost(drill: Drill, place: RunningInstance) -> None:
    restored(place.data_dir, drill.backup, drill.keys)
    for file in place.data_dir.glob("temporal.sqlite*"):
        file.unlink()
    business = bring_back(drill, place)
    # The check that follows a start may have begun some of them again.
    assert set(missing_workflows(business)) <= {"missing_owner"}

    rebuild(place)

    go_on(business, drill.invoices)


def test_temporal_is_newer_than_the_database(drill: Drill, place: RunningInstance) -> None:
    # As after PostgreSQL alone was put back: workflows have billed until May, the rows say March.
    restored(place.data_dir, drill.backup, drill.keys)
    for file in drill.business.running.data_dir.glob("temporal.sqlite*"):
        shutil.copy(file, place.data_dir / file.name)
    business = bring_back(drill, place)

    rebuild(place)

    go_on(business, drill.invoices)


def test_backup_shows_nothing_without_its_key(drill: Drill) -> None:
    sealed = drill.backup.read_bytes()
    secret_key = drill.keys.read_text().split("=", 1)[1].strip()

    for canary in (CANARY, "acct_0", drill.business.account.email, secret_key, "january-0"):
        assert canary.encode() not in sealed
    assert {oct(path.stat().st_mode & 0o777) for path in (drill.backup, drill.keys)} == {"0o600"}
    assert [path.name for path in drill.backup.parent.glob(".fluxrate-*")] == []
    assert secret_key not in drill.said


def test_backup_of_what_does_not_run(drill: Drill, tmp_path: Path) -> None:
    option = drill.business.running.directory_option

    done = fluxrate("backup", str(tmp_path / "second.backup"), *option)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Keep that elsewhere" in done.stdout
    assert drill.business.running.instance.running() == {}


REFUSED = {
    "another key": "None of the keys opens it",
    "a changed byte": "It was changed, or is not whole",
    "a missing end": "is not whole",
    "another file": "It is no backup of Fluxrate",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_the_backup_is_refused(drill: Drill, what: str, tmp_path: Path) -> None:
    content, keys = bytearray(drill.backup.read_bytes()), tmp_path / "keys"
    keys.write_bytes(drill.keys.read_bytes())
    match what:
        case "another key":
            keys.write_text(f"FLUXRATE_SECRET_KEY={'k' * 48}\n")
        case "a changed byte":
            content[-20] ^= 1
        case "a missing end":
            del content[-1000:]
        case _:
            content[:4] = b"PK\x03\x04"
    changed = tmp_path / "changed.backup"
    changed.write_bytes(content)

    done = fluxrate(
        "restore", str(changed), "--data-dir", str(tmp_path / "place"), "--keys", str(keys)
    )

    assert done.returncode == 1
    assert REFUSED[what] in done.stderr
    assert not (tmp_path / "place").exists()


def test_restoring_overwrites_nothing(drill: Drill, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("something")

    done = fluxrate(
        "restore", str(drill.backup), "--data-dir", str(tmp_path), "--keys", str(drill.keys)
    )

    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_keys_are_not_overwritten(drill: Drill, tmp_path: Path) -> None:
    before = drill.keys.read_text()

    done = fluxrate(
        *("backup", str(tmp_path / "third.backup"), "--keys", str(drill.keys)),
        *drill.business.running.directory_option,
    )

    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert drill.keys.read_text() == before


def test_doctor_of_a_sound_installation_and_of_none(drill: Drill, place: RunningInstance) -> None:
    nothing = fluxrate("doctor", *place.directory_option)
    assert nothing.returncode == 1
    assert "Start `fluxrate up`" in nothing.stdout

    bring_back(drill, place)
    rebuild(place)
    sound = fluxrate("doctor", *place.directory_option)

    assert sound.returncode == 0, sound.stdout
    for subject in (
        "Migrations",
        "Clocks",
        "Partitions",
        "Outbox",
        "Disk",
        "Temporal",
        "Histories",
    ):
        assert f"✓ │ {subject}" in sound.stdout
