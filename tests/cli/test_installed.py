"""The wheel as an application in an environment of its own, as uv and pipx install it.

Run by `make install-check`: building and installing takes most of a minute.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest

from cli.local.instance import Instance
from runtime.embedded.processes import wait_until
from tests.cli.running import clean_environment
from tests.deploy.image import copy_context

GIVEN = os.environ.get("FLUXRATE_INSTALL_CHECK")
UV = str(Path(GIVEN).absolute()) if GIVEN else ""
PATH = f"{Path(UV).parent}{os.pathsep}{os.environ['PATH']}"
"""On which pipx finds the same uv."""
pytestmark = pytest.mark.skipif(not UV, reason="make install-check runs it")


def asked(address: str) -> httpx2.Response:
    """The answer of an instance that has just begun, on whatever machine."""
    return httpx2.get(address, trust_env=False, timeout=60)


def run(*words: str, **environment: str) -> str:
    """What a command prints, which must succeed."""
    result = subprocess.run(
        words,
        env=clean_environment() | environment,
        cwd="/",
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The requirement that names the built wheel, with the servers that it can bring.

    Built of what the image is built of, which is less than the repository.
    """
    folder, context = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("context")
    copy_context(context)
    run(UV, "build", "--wheel", "--quiet", "--out-dir", str(folder), str(context))
    [built] = folder.glob("*.whl")
    return f"fluxrate[embedded] @ {built.as_uri()}"


@pytest.fixture
def place() -> Iterator[Path]:
    """Where an application is installed. Test runs close the directories that they share."""
    with TemporaryDirectory(prefix="fluxrate-installed-") as directory:
        yield Path(directory)


def test_uv_installs_an_application_that_runs(wheel: str, place: Path) -> None:
    where = {"UV_TOOL_DIR": str(place / "home"), "UV_TOOL_BIN_DIR": str(place / "bin")}
    run(UV, "tool", "install", "--python", sys.executable, wheel, **where)
    program, instance = str(place / "bin" / "fluxrate"), Instance(place / "data")

    # All that there is takes part: the API, the worker, and the client that the demo uses.
    assert "$82.45" in run(program, "demo", "--data-dir", str(place / "demo"))
    with (place / "up.txt").open("wb") as output:
        up = subprocess.Popen(
            [program, "up", "--port", "0", "--data-dir", str(instance.data_dir)],
            env=clean_environment(),
            cwd="/",
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: instance.addresses() is not None or up.poll() is not None, timeout_seconds=120
        )
        addresses = instance.addresses()
        assert addresses is not None, (place / "up.txt").read_text()
        host = addresses.docs_url.removesuffix("/docs")
        start = asked(host)
        style = re.findall(r'href="(/assets/\S+?)"', start.text)
        pages = ("/readyz", "/docs", "/docs/docs.js", "/openapi.json", "/verify/verify.py", *style)
        statuses = [
            httpx2.get(host + one, trust_env=False, timeout=60).status_code for one in pages
        ]
        assert (start.status_code, statuses) == (200, [200] * len(pages))
    finally:
        run(program, "down", "--data-dir", str(instance.data_dir))
        up.wait(60)


def test_pipx_installs_it_too(wheel: str, place: Path) -> None:
    where = {"PIPX_HOME": str(place / "home"), "PIPX_BIN_DIR": str(place / "bin"), "PATH": PATH}
    pipx = (UV, "tool", "run", "pipx", "install", "--backend", "uv", "--python", sys.executable)
    run(*pipx, wheel, **where)

    shown = run(str(place / "bin" / "fluxrate"), "--version")

    assert re.fullmatch(r"fluxrate \d+\.\d+\.\d+\n", shown)
