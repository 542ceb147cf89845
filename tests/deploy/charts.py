"""The chart as files, and as what `helm` makes of it where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.helm.settings import CHART
from tests.architecture.sources import ROOT

KUBERNETES: Final = "1.33.0"
VALUES: Final = ("minimal", "full")


def read_yaml(path: Path) -> Any:
    """What a file says."""
    return yaml.safe_load(path.read_text())


def values_of(name: str) -> dict[str, Any]:
    """The values of one of the chart's examples, over its defaults."""
    return merged(read_yaml(CHART / "values.yaml"), read_yaml(CHART / "ci" / f"{name}-values.yaml"))


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, as `helm` lays one over the other."""
    both = {**under, **over}
    for name in under.keys() & over.keys():
        if isinstance(under[name], dict) and isinstance(over[name], dict):
            both[name] = merged(under[name], over[name])
    return both


def templates() -> dict[str, str]:
    """The text of every template by its name."""
    paths = sorted((CHART / "templates").rglob("*.*"))
    return {str(path.relative_to(CHART)): path.read_text() for path in paths}


def find_helm() -> str:
    """The program, of this repository or of the machine; a test that needs it is skipped."""
    found = shutil.which(ROOT / ".tools" / "helm" / "helm") or shutil.which("helm")
    if found is None:
        pytest.skip("helm is not here: `make chart` builds it, with Go")
    return found


def run_helm(*words: str) -> subprocess.CompletedProcess[str]:
    """What it says, and its exit code."""
    return subprocess.run([find_helm(), *words], capture_output=True, text=True, check=False)


@cache
def rendered(name: str) -> tuple[dict[str, Any], ...]:
    """Every manifest that the chart makes of one of its examples."""
    example = str(CHART / "ci" / f"{name}-values.yaml")
    words = ["template", "billing", str(CHART), "--values", example, "--namespace", "billing"]
    done = run_helm(*words, "--kube-version", KUBERNETES)
    assert done.returncode == 0, done.stderr
    # Empty ones are templates that have nothing to make.
    return tuple(one for one in yaml.safe_load_all(done.stdout) if one)


def of_kind(name: str, kind: str) -> dict[str, dict[str, Any]]:
    """The manifests of a kind by their names."""
    return {one["metadata"]["name"]: one for one in rendered(name) if one["kind"] == kind}


def pods_of(name: str) -> dict[str, dict[str, Any]]:
    """What pods are made of, by who makes them."""
    makers = of_kind(name, "Deployment") | of_kind(name, "Job")
    return {
        **{name: one["spec"]["template"] for name, one in makers.items()},
        **of_kind(name, "Pod"),
    }


def environment_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The environment of a pod's one container: values, or where they come from."""
    [container] = pod["spec"]["containers"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", [])}


VALUE: Final = re.compile(r"\.Values((?:\.\w+)+)")
NAMED: Final = re.compile(r"- name: ((?:FLUXRATE|TEMPORAL|DATABASE)_[A-Z_]+)")
