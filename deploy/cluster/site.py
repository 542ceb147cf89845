"""A whole installation: two PostgreSQL, a Temporal cluster, two of the API, two workers."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from cli.local.instance import answers
from deploy.cluster.address import HOST, Address
from deploy.cluster.compose import environment_of
from deploy.cluster.replicas import Replica, Supervision, python_words, stop_all
from deploy.cluster.temporal import Cluster
from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import choose_port, last_lines, wait_until

MIGRATION_URL: Final = "FLUXRATE_MIGRATION_DATABASE_URL"
READY_SECONDS: Final = 180.0
EACH: Final = 2

Tell = Callable[[str], None]


@dataclass(slots=True)
class Site:
    """The processes of an installation and where they are reached.

    Their settings are those of ``docker-compose.yml``, but for addresses: here they share a
    machine, and PostgreSQL is reached by sockets.
    """

    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="fluxrate-site-")))
    supervision: Supervision = field(default_factory=Supervision)
    replicas: dict[str, Replica] = field(default_factory=dict)
    """The API's and the workers by their names: ``api-0``, ``worker-1``."""
    postgres: EmbeddedPostgres = field(init=False)
    temporal: Cluster = field(init=False)
    address: Address = field(init=False)
    _ports: list[int] = field(init=False)
    _answers: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.directory.chmod(0o755)
        self.postgres = self._make_postgres("postgres")
        store = self._make_postgres("temporal-postgres")
        (self.directory / "temporal").mkdir()
        self.temporal = Cluster(self.directory / "temporal", store)
        self._ports = [choose_port() for _ in range(EACH)]
        self.address = Address(choose_port(), self._ports)
        self._answers = {
            "POSTGRES_PASSWORD": secrets.token_hex(24),
            "POSTGRES_PROCESS_PASSWORD": secrets.token_hex(24),
            "TEMPORAL_POSTGRES_PASSWORD": secrets.token_hex(24),
            "FLUXRATE_SECRET_KEY": secrets.token_hex(32),
            "FLUXRATE_OPERATOR_TOKEN": secrets.token_hex(32),
            "FLUXRATE_PUBLIC_URL": f"https://{HOST}:{self.address.port}",
        }

    def start(self, tell: Tell) -> None:
        """Everything runs, is watched, and answers at the one address.

        Raises SystemExit: something does not start; it ends with what that wrote.
        """
        tell("PostgreSQL, twice")
        for server in (self.postgres, self.temporal.postgres):
            server.start()
        self._make_owner()
        tell("Temporal: frontend, two of history, matching, worker")
        self.temporal.start()
        tell("migrations, as the owner of the tables")
        self.run("migrate")
        tell("two of the API and two workers")
        made = [*map(self._make_api, range(EACH)), *map(self._make_worker, range(EACH))]
        self.replicas = {one.name: one for one in made}
        for one in made:
            one.start()
        self.supervision.watch([*self.temporal.replicas.values(), *made])
        self.address.start()
        self.wait_until_ready()

    def stop(self) -> None:
        """Nothing runs, and nothing is left."""
        self.supervision.stop()
        self.address.stop()
        stop_all(tuple(self.replicas.values()))
        self.temporal.stop()
        for server in (self.temporal.postgres, self.postgres):
            server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self, name: str) -> None:
        """That process is dead, and is started again by who watches it.

        Worked example: ``worker-0``, or ``history-1`` of Temporal.
        """
        (self.temporal.replicas | self.replicas)[name].kill()

    def wait_until_ready(self) -> None:
        """Each of the API says that requests have what they need. Raises SystemExit."""
        for number, port in enumerate(self._ports):
            url = f"http://{HOST}:{port}/readyz"
            if not wait_until(partial(answers, url), timeout_seconds=READY_SECONDS):
                log = self.replicas[f"api-{number}"].log
                raise SystemExit(f"{url} does not answer.\n{last_lines(log, 20)}")

    def run(self, command: str) -> str:
        """What a command of ``fluxrate`` says. Raises SystemExit with that if it fails."""
        code, said = self.try_to_run(command)
        if code != 0:
            raise SystemExit(f"fluxrate {command} ended with {code}.\n{said}")
        return said

    def try_to_run(self, command: str) -> tuple[int, str]:
        """The exit code of a command of ``fluxrate``, and what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *command.split()],
            env=self._environment("migrate"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _make_postgres(self, name: str) -> EmbeddedPostgres:
        folder = self.directory / name
        folder.mkdir()
        return EmbeddedPostgres(folder)

    def _make_owner(self) -> None:
        """As operators prepare a server of their own: what migrates is no superuser either."""
        owner = urlsplit(self._environment("migrate")[MIGRATION_URL])
        words = "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB CREATEROLE PASSWORD {}"
        account, password = sql.Identifier(owner.username or ""), sql.Literal(owner.password)
        database = sql.Identifier(owner.path.removeprefix("/"))
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute(sql.SQL(words).format(account, password))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, account))

    def _make_api(self, number: int) -> Replica:
        words = ["api", "--host", HOST, "--port", str(self._ports[number]), "--processes", "1"]
        return self._make_replica("api", number, words)

    def _make_worker(self, number: int) -> Replica:
        return self._make_replica("worker", number, ["worker", "--processes", "1"])

    def _make_replica(self, service: str, number: int, words: list[str]) -> Replica:
        name = f"{service}-{number}"
        environment = self._environment(service)
        if "FLUXRATE_WORKER_METRICS" in environment:
            environment["FLUXRATE_WORKER_METRICS"] = f"{HOST}:{choose_port()}"
        log = self.directory / f"{name}.log"
        return Replica(name, python_words("cli.main", *words), log, environment)

    def _environment(self, service: str) -> dict[str, str]:
        """What compose gives the service, with the addresses of this machine."""
        foreign = ("FLUXRATE_", "DATABASE_URL", "TEMPORAL_")
        kept = {name: word for name, word in os.environ.items() if not name.startswith(foreign)}
        given = environment_of(service, self._answers)
        for name in ("DATABASE_URL", MIGRATION_URL):
            if name in given:
                given[name] = self._by_socket(given[name])
        return {**kept, **given, "TEMPORAL_ADDRESS": self.temporal.address}

    def _by_socket(self, url: str) -> str:
        """The same database and account, where this machine has it."""
        parts = urlsplit(url)
        folder = quote(str(self.postgres.socket_dir))
        account = f"{parts.username}:{parts.password}"
        return f"{parts.scheme}://{account}@{parts.path}?host={folder}"
