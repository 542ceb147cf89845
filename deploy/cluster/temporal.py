"""A real Temporal cluster on PostgreSQL: frontend, history, matching and worker as processes.

The server and its schema tool are Temporal's own programs, built by ``make temporal-server``. Each
process has a configuration of its own, for several of one kind share a machine here.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.service import RPCError

from deploy.cluster.replicas import Replica, stop_all
from runtime.embedded.engines import SUPERUSER, EmbeddedPostgres
from runtime.embedded.processes import choose_port
from runtime.temporal import connect, register_namespace, register_search_attributes
from workflows.names import SEARCH_ATTRIBUTES

PROGRAMS = Path(__file__).parents[2] / ".tools" / "temporal"
"""``server``, ``sql`` and ``schema``, as the make target leaves them."""

PLUGIN = "postgres12_pgx"
"""Of the two for PostgreSQL, the one that takes a socket for an address."""

SHARDS = 64
START_SECONDS = 60.0
KINDS = ("frontend", "history", "history", "matching", "worker")
STORES = {"default": "temporal", "visibility": "temporal_visibility"}


@dataclass(slots=True)
class Cluster:
    """The processes of one cluster, by their names: ``frontend-0``, ``history-1`` and so on."""

    directory: Path
    postgres: EmbeddedPostgres
    replicas: dict[str, Replica] = field(default_factory=dict)
    ports: list[int] = field(default_factory=lambda: [choose_port() for _ in KINDS])

    @property
    def address(self) -> str:
        """Where clients connect: the frontend."""
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def pids(self) -> tuple[int, ...]:
        """The server's processes, without its database."""
        return tuple(one.pid for one in self.replicas.values())

    def start(self) -> None:
        """The namespace answers, and knows the search attributes of this product."""
        for store in STORES.values():
            self.postgres.ensure_database(store)
            self._prepare_schema(store)
        made = (self._configure(number) for number in range(len(KINDS)))
        self.replicas = {one.name: one for one in made}
        self._start_those_that_ended()
        asyncio.run(self._register())

    def kill_history(self) -> None:
        """One of the history processes dies at once, and another takes its place."""
        one = self.replicas[f"history-{KINDS.index('history')}"]
        one.kill()
        one.start()

    def stop(self) -> None:
        """No process of the cluster runs."""
        stop_all(tuple(self.replicas.values()))

    async def _register(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                client = await connect(self.address)
                await register_namespace(client)
                await register_search_attributes(client, SEARCH_ATTRIBUTES)
            except (RPCError, RuntimeError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)
                self._start_those_that_ended()
            else:
                return

    def _start_those_that_ended(self) -> None:
        """Processes that write the cluster's first rows at one moment may refuse each other."""
        for one in self.replicas.values():
            if not one.is_running():
                one.start()

    def _prepare_schema(self, store: str) -> None:
        folder = PROGRAMS / "schema" / store.removeprefix("temporal_") / "versioned"
        words = [str(PROGRAMS / "sql"), "--plugin", PLUGIN, "--user", SUPERUSER, "--port", "5432"]
        words += ["--database", store, "--connect-attributes", f"host={self.postgres.socket_dir}"]
        for step in (["setup-schema", "-v", "0.0"], ["update-schema", "-d", str(folder)]):
            done = subprocess.run([*words, *step], check=False, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(done.stdout + done.stderr)

    def _configure(self, number: int) -> Replica:
        name = f"{KINDS[number]}-{number}"
        folder = self.directory / "config"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(json.dumps(self._configuration(number)))
        words = [str(PROGRAMS / "server"), "--root", str(self.directory), "--env", name]
        words += ["--allow-no-auth", "start", "--service", KINDS[number]]
        return Replica(name, words, self.directory / f"{name}.log")

    def _configuration(self, number: int) -> Mapping[str, object]:
        services = {
            kind: {"rpc": {"grpcPort": 0, "membershipPort": 0, "bindOnLocalHost": True}}
            for kind in KINDS
        }
        services[KINDS[number]] = {
            "rpc": {
                "grpcPort": self.ports[number],
                "membershipPort": choose_port(),
                "bindOnLocalHost": True,
            }
        }
        return {
            "log": {"stdout": True, "level": "warn"},
            "persistence": {
                "defaultStore": "default",
                "visibilityStore": "visibility",
                "numHistoryShards": SHARDS,
                "datastores": {name: {"sql": self._store(name)} for name in STORES},
            },
            "global": {"membership": {"broadcastAddress": "127.0.0.1"}},
            "services": services,
            "clusterMetadata": {
                "failoverVersionIncrement": 10,
                "masterClusterName": "active",
                "currentClusterName": "active",
                "clusterInformation": {
                    "active": {
                        "enabled": True,
                        "initialFailoverVersion": 1,
                        "rpcName": "frontend",
                        "rpcAddress": self.address,
                    }
                },
            },
            "publicClient": {"hostPort": self.address},
        }

    def _store(self, name: str) -> Mapping[str, object]:
        return {
            "pluginName": PLUGIN,
            "databaseName": STORES[name],
            "connectAddr": "127.0.0.1:5432",
            "connectProtocol": "tcp",
            "connectAttributes": {"host": str(self.postgres.socket_dir)},
            "user": SUPERUSER,
            "password": "",
            "maxConns": 10,
            "maxIdleConns": 10,
        }


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster with a PostgreSQL of its own, gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="fluxrate-cluster-"))
    postgres = EmbeddedPostgres(directory / "postgres", server_settings={"max_connections": "200"})
    postgres.data_dir.mkdir()
    postgres.start()
    cluster = Cluster(directory, postgres)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)
