"""What the package index itself says of known flaws in the locked packages; part of ``make audit``.

An index like PyPI's tells them with a release: of each version, or where it is served in part, of
the newest alone. Which packages it was not asked about is said, for silence is no praise.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from rich.console import Console

from tests.architecture.sources import ROOT

VARIABLES: Final = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
PUBLIC: Final = "https://pypi.org/simple"
AT_ONCE: Final = 6
SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known of one locked package; ``flaws`` is None where nothing is said of it."""

    package: str
    flaws: Sequence[str] | None


def index_of(environment: Mapping[str, str]) -> str:
    """Where the configured index tells of its packages, beside where it lists their files."""
    simple = next((environment[one] for one in VARIABLES if environment.get(one)), PUBLIC)
    return f"{simple.rstrip('/').removesuffix('/simple')}/pypi"


def locked_packages() -> list[tuple[str, str]]:
    """Name and version of every package of the lock file but our own."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return sorted((one["name"], one["version"]) for one in packages if "registry" in one["source"])


def judge(index: str, name: str, version: str) -> Verdict:
    """What the index says of this version. Raises URLError where it cannot be reached."""
    told = _read(f"{index}/{name}/{version}/json") or _read(f"{index}/{name}/json")
    return Verdict(package=f"{name} {version}", flaws=flaws_of(told, version))


def flaws_of(told: Any, version: str) -> list[str] | None:
    """The flaws that hold for a version, each with what mends it; None if it speaks of another."""
    if told is None or told["info"]["version"] != version or "vulnerabilities" not in told:
        return None
    return [
        f"{', '.join([flaw['id'], *flaw['aliases']])}: mended by"
        f" {', '.join(flaw['fixed_in']) or 'nothing yet'}"
        for flaw in told["vulnerabilities"]
        if not flaw["withdrawn"]
    ]


def _read(address: str) -> Any:
    """What is there; None if nothing is."""
    try:
        with urlopen(address, timeout=SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        if error.code == 404:
            return None
        raise


def main() -> int:
    """Print what is known, and return 1 if a package has a flaw."""
    index, console = index_of(os.environ), Console(soft_wrap=True, markup=False, highlight=False)
    try:
        with ThreadPoolExecutor(AT_ONCE) as executor:
            verdicts = list(executor.map(lambda one: judge(index, *one), locked_packages()))
    except (URLError, TimeoutError) as error:
        console.print(
            f"SKIPPED: the package index tells nothing of flaws ({type(error).__name__})."
        )
        return 0
    flawed = [one for one in verdicts if one.flaws]
    silent = [one.package for one in verdicts if one.flaws is None]
    for one in flawed:
        console.print(one.package, *(one.flaws or ()), sep="\n    ")
    console.print(f"{len(flawed)} of {len(verdicts) - len(silent)} packages have known flaws.")
    if silent:
        console.print(f"NOT JUDGED, since there are newer ones: {', '.join(silent)}.")
    return 1 if flawed else 0


if __name__ == "__main__":
    sys.exit(main())
