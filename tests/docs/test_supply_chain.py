"""What the product consists of: every package that is installed with it is named and pinned."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from tests.architecture.sources import ROOT
from tests.docs.advisories import flaws_of, index_of, locked_packages

BILL = ROOT / "dist" / "fluxrate.cdx.json"


@pytest.fixture(scope="module")
def locked() -> dict[str, dict[str, Any]]:
    """Every package of the lock file by its name."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return {one["name"]: one for one in packages}


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    """What `make sbom` wrote."""
    if not BILL.exists():
        pytest.skip("`make sbom` writes it, and calls this")
    content: dict[str, Any] = json.loads(BILL.read_text())
    return content


def needed(locked: dict[str, dict[str, Any]]) -> set[str]:
    """The packages that are installed with the product and its extras."""
    product = locked["fluxrate"]
    waiting = [*product["dependencies"]]
    for extra in product["optional-dependencies"].values():
        waiting += extra
    found: set[str] = set()
    while waiting:
        one = waiting.pop()
        package = locked[one["name"]]
        for extra in one.get("extra", []):
            waiting += package["optional-dependencies"][extra]
        if one["name"] not in found:
            found.add(one["name"])
            waiting += package.get("dependencies", [])
    return found


def test_every_package_is_locked_by_its_digest(locked: dict[str, dict[str, Any]]) -> None:
    for name, package in locked.items():
        if name != "fluxrate":
            files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
            assert files, name
            for file in files:
                assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]), name


def test_the_lock_file_takes_packages_from_one_registry(locked: dict[str, dict[str, Any]]) -> None:
    sources = {json.dumps(one["source"]) for name, one in locked.items() if name != "fluxrate"}

    assert sources == {'{"registry": "https://pypi.org/simple"}'}


def test_the_bill_names_every_package_with_version_and_digest(
    bill: dict[str, Any], locked: dict[str, dict[str, Any]]
) -> None:
    named = {one["name"]: one for one in bill["components"]}

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert named.keys() == needed(locked)
    for name, one in named.items():
        assert one["version"] == locked[name]["version"]
        assert one["purl"] == f"pkg:pypi/{name}@{one['version']}"
        assert any(file.get("hashes") for file in one["externalReferences"]), name


def test_the_bill_says_what_needs_what(bill: dict[str, Any]) -> None:
    references = {one["bom-ref"] for one in bill["components"]}
    told = {one["ref"] for one in bill["dependencies"]}

    assert references <= told


FLAW = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fixed_in": ["1.1"], "withdrawn": None}


@pytest.mark.parametrize(
    ("flaws", "found"),
    [
        ([], []),
        ([FLAW], ["PYSEC-1, CVE-1: mended by 1.1"]),
        ([FLAW | {"fixed_in": [], "aliases": []}], ["PYSEC-1: mended by nothing yet"]),
        ([FLAW | {"withdrawn": "2026-01-01T00:00:00Z"}], []),
    ],
)
def test_flaws_that_the_index_tells_of_are_named_with_what_mends_them(
    flaws: list[dict[str, Any]], found: list[str]
) -> None:
    assert flaws_of({"info": {"version": "1.0"}, "vulnerabilities": flaws}, "1.0") == found


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"info": {"version": "1.0"}},
        {"info": {"version": "1.1"}, "vulnerabilities": []},
    ],
)
def test_what_the_index_says_nothing_of_is_not_taken_for_sound(told: Any) -> None:
    assert flaws_of(told, "1.0") is None


def test_the_index_that_is_configured_is_asked() -> None:
    assert index_of({}) == "https://pypi.org/pypi"
    assert index_of({"UV_DEFAULT_INDEX": "https://packages.test/simple/"}) == (
        "https://packages.test/pypi"
    )
    assert len(locked_packages()) > 100
