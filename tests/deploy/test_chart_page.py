"""The values that the operators' page shows install what it says: docs/operators/kubernetes.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import psycopg
import pytest
import yaml

from deploy.helm.settings import CHART, SCHEMA
from runtime.database.accounts import ensure_process_account
from runtime.database.engine import APPLICATION_ROLE
from runtime.database.migrations import upgrade
from runtime.embedded.engines import EmbeddedPostgres
from tests.architecture.sources import ROOT
from tests.deploy.charts import KUBERNETES, merged, read_yaml, run_helm

PAGE = (ROOT / "docs" / "operators" / "kubernetes.md").read_text()


def shown(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def shown_values() -> dict[str, object]:
    return dict(yaml.safe_load(shown("yaml")))


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server on which nobody ever installed anything."""
    server = EmbeddedPostgres(tmp_path, server_settings={"fsync": "off"})
    server.start()
    yield server
    server.stop()


def test_owner_of_the_page_migrates_and_makes_the_account_of_the_processes(
    new_server: EmbeddedPostgres,
) -> None:
    with psycopg.connect(new_server.url(), autocommit=True) as connection:
        for statement in shown("sql").split(";"):
            connection.execute(statement.encode())
    owner = new_server.url("fluxrate", "fluxrate_owner")
    processes = new_server.url("fluxrate", "fluxrate_processes")

    upgrade(owner)
    assert ensure_process_account(owner, processes)

    with psycopg.connect(processes) as connection:
        connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        seen = connection.execute("SELECT count(*) FROM organization").fetchone()
        supers = connection.execute("SELECT count(*) FROM pg_roles WHERE rolsuper").fetchone()
    assert (seen, supers) == ((0,), (1,))


def test_values_of_the_page_are_taken() -> None:
    values = merged(read_yaml(CHART / "values.yaml"), shown_values())

    jsonschema.validate(values, yaml.safe_load(SCHEMA.read_text()))


def test_objects_have_the_names_that_the_page_says(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(shown("yaml"))
    words = ["template", "fluxrate", str(CHART), "--values", str(values)]
    done = run_helm(*words, "--kube-version", KUBERNETES)

    assert done.returncode == 0, done.stderr
    made = {
        f"{one['kind'].lower()}/{one['metadata']['name']}".replace("deployment/", "deploy/")
        for one in yaml.safe_load_all(done.stdout)
        if one
    }
    named = set(re.findall(r"deploy/fluxrate-\w+", PAGE))
    assert named == {"deploy/fluxrate-api", "deploy/fluxrate-worker"}
    assert named <= made
    secrets = set(re.findall(r"create secret generic ([\w-]+)", PAGE))
    assert secrets == set(re.findall(r'name: "(fluxrate[\w-]*)"', done.stdout))
    for key in re.findall(r"--from-literal=([\w-]+)=", PAGE):
        assert f'key: "{key}"' in done.stdout
