"""The image: what it is built of, and what operators' commands need of it."""

from __future__ import annotations

import re
import subprocess
import tomllib

import yaml

from runtime.embedded.engines import postgres_program
from tests.architecture.sources import ROOT
from tests.deploy.image import is_given

SYNC = re.compile(r"^RUN uv sync (.+)$", re.MULTILINE)
DEFAULT = re.compile(r":-(\d+)\}")


def test_builder_is_given_whatever_the_wheel_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    backend = project["build-system"]["build-backend"].replace(".", "/")
    named = [
        *(*wheel["packages"], *wheel["force-include"], *wheel["artifacts"]),
        *("pyproject.toml", "uv.lock", project["project"]["readme"]),
        *(f"{backend}.py", "clients/generator"),
        *project["project"].get("license-files", ["LICENSE"]),
    ]

    assert len(named) > 15
    assert [one for one in named if not is_given(one)] == []


def test_image_can_back_up_the_postgresql_of_compose() -> None:
    syncs = SYNC.findall((ROOT / "Dockerfile").read_text())
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    server = DEFAULT.search(compose["services"]["postgres"]["image"])
    brought = [postgres_program(name) for name in ("pg_dump", "pg_restore")]
    said = [subprocess.check_output([one, "--version"], text=True) for one in brought]

    assert len(syncs) == 2
    assert all("--extra backup" in one for one in syncs)
    assert server is not None
    # An older one refuses a newer server.
    assert all(int(re.findall(r"\d+", one)[0]) >= int(server[1]) for one in said), said
