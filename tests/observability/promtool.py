"""Prometheus' own judge of rules: which alerts fire, given what was scraped."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
OBSERVABILITY: Final = ROOT / "deploy" / "observability"
RULES: Final = OBSERVABILITY / "rules" / "money.yml"
FETCHED: Final = ROOT / ".tools" / "prometheus" / "usr" / "bin" / "promtool"

ALERT: Final = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)
FIRING: Final = re.compile(r'alertname="(\w+)"')


def find_promtool() -> str:
    """The program of this machine or of ``make alerts``; tests without it are skipped."""
    found = shutil.which("promtool") or (str(FETCHED) if FETCHED.exists() else None)
    if found is None:
        assert "FLUXRATE_ALERTS" not in os.environ, "there is no promtool"
        pytest.skip("there is no promtool: `make alerts` fetches it")
    return found


def alerts() -> set[str]:
    """The names of all alerts."""
    return set(ALERT.findall(RULES.read_text()))


def firing(series: Mapping[str, str], *, minutes: int, folder: Path) -> set[str]:
    """The alerts that fire so many minutes after the first of these values, one a minute.

    Values are in Prometheus' own notation: ``0 0 5 5+0x90``.
    """
    expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
    document: dict[str, Any] = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {"expr": expression, "eval_time": f"{minutes}m", "exp_samples": []}
                ],
            }
        ],
    }
    # JSON is YAML too.
    path = folder / "alerts.test.yml"
    path.write_text(json.dumps(document))
    done = run("test", "rules", str(path))
    if done.returncode == 0:
        return set()
    said = done.stdout + done.stderr
    assert "got:" in said, said
    return set(FIRING.findall(said.partition("got:")[2]))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A finished ``promtool``."""
    command: Sequence[str] = [find_promtool(), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
