"""What somebody sees first: the version, a demo that stays, and links that open with an answer."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cli.local.instance import Instance
from cli.local.temporal_links import link_questions
from runtime.embedded.processes import wait_until
from tests.cli.running import clean_environment, fluxrate, get, heed_interrupts, post
from workflows.names import SEARCH_ATTRIBUTES

ROOT = Path(__file__).parents[3]


def test_version_is_the_packages() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    result = fluxrate("--version")

    assert (result.returncode, result.stdout) == (0, f"fluxrate {declared}\n")


def test_links_ask_by_attributes_that_there_are() -> None:
    now = datetime(2026, 11, 30, 18, tzinfo=UTC)
    links = dict(link_questions("http://127.0.0.1:8233/", namespace="bill ing", now=now))
    asked = {name: parse_qs(urlsplit(address).query) for name, address in links.items()}

    assert asked["Stuck"]["query"] == ["NeedsAttention = true"]
    assert asked["Closes tonight"]["query"] == [
        'PeriodEnd BETWEEN "2026-11-30T18:00:00Z" AND "2026-12-01T18:00:00Z"'
    ]
    assert urlsplit(links["Stuck"]).path == "/namespaces/bill%20ing/workflows"
    assert {"NeedsAttention", "PeriodEnd"} <= set(SEARCH_ATTRIBUTES)


def test_ports_are_asked_for_again(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    assert instance.port_of("temporal_ui", 8233) == 8233

    instance.remember_ports({"temporal": 7300, "temporal_ui": 8300})
    assert (instance.port_of("temporal", 7233), instance.port_of("temporal_ui", 8233)) == (
        7300,
        8300,
    )

    (tmp_path / "ports.json").write_text("half of")
    assert instance.port_of("temporal_ui", 8233) == 8233


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The data directory of a demo that a test keeps."""
    return tmp_path / "kept"


def test_kept_demo_goes_on_with_a_login_and_pages(kept: Path) -> None:
    heed_interrupts()
    shown = kept.with_suffix(".txt")
    with shown.open("wb") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "demo", "--keep", "--data-dir", str(kept)],
            env=clean_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        assert wait_until(
            lambda: "the next demo deletes it" in shown.read_text(), timeout_seconds=110
        )
        text = shown.read_text()
        addresses = Instance(kept).addresses()
        assert addresses is not None
        pages = re.findall(r"http://\S+?/(?:p/|embed\?)\S+", text)
        answers = [get(page).status_code for page in pages]
        login = {"email": "ops@lumenworks.test", "password": "correct-horse-9"}
        signed_in = post(f"{addresses.api_url}/auth/login", **login)
        start = get(addresses.docs_url.removesuffix("docs"))

        assert answers == [200] * 4
        assert signed_in.status_code == 200
        assert all(word in text for word in login.values())
        assert "NeedsAttention" in start.text
        assert f"fluxrate down --data-dir {kept}" in " ".join(text.split())
        stopped = fluxrate("down", "--data-dir", str(kept))
        assert "Stopping Supervisor" in stopped.stdout
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    assert Instance(kept).running() == {}
