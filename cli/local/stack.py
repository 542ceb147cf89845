"""Everything that runs for one instance: servers, API and worker, started, watched, stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cli.local.instance import (
    PROCESS_NAMES,
    Addresses,
    Instance,
    PythonProcess,
    wait_for_api,
)
from cli.output import refuse
from cli.requirements import require_database, require_temporal, without_password
from runtime.embedded.engines import EmbeddedPostgres, EmbeddedTemporal
from runtime.embedded.processes import choose_port, port_is_free
from runtime.processes.cores import default_api_processes, default_worker_processes
from runtime.processes.supervision import Announce, Supervisor
from runtime.settings import Settings
from services.accounts.sign_up_policy import SignUpPolicy

HOST = "127.0.0.1"
DATABASE = "fluxrate"
TEMPORAL_PORT = 7233
TEMPORAL_UI_PORT = 8233
TEMPORAL_UI_VARIABLE = "FLUXRATE_TEMPORAL_UI_URL"


@dataclass(slots=True)
class Stack:
    """The processes of an instance, in the order in which they start."""

    instance: Instance
    settings: Settings
    port: int
    api_processes: int = field(default_factory=default_api_processes)
    worker_processes: int = field(default_factory=default_worker_processes)
    supervisors: list[Supervisor] = field(default_factory=list)

    def start(self, announce: Announce) -> Addresses:
        """Everything runs, and the schema is current.

        Raises:
            ProcessFailure: something does not start.
            Refusal: something stands in the way that the operator must decide about.
        """
        self._require_named_servers(announce)
        self._end_leftovers(announce)
        self._require_free_port()
        temporal = self._start_temporal_early()
        database_url = self._start_database(announce)
        temporal_address = self._finish_temporal(temporal, announce)
        environment = self._environment(database_url, temporal_address)
        if temporal and not self.settings.temporal_ui_url:
            environment[TEMPORAL_UI_VARIABLE] = temporal.ui_url
        url = f"http://{HOST}:{self.port}"
        apis, workers = self.api_processes, self.worker_processes
        words = ["--port", str(self.port), "--processes", str(apis)]
        api = self._python("api", "cli.serve", words, environment)
        worker = self._python("worker", "cli.work", ["--processes", str(workers)], environment)
        announce(f"Starting the API and the worker, in {apis} and {workers} processes.")
        for process in (api, worker):
            process.start()
            self.supervisors.append(
                Supervisor(process, process.pid_file.is_held, process.describe_end)
            )
        wait_for_api(api, url)
        addresses = Addresses(
            api_url=f"{url}/api/v1",
            docs_url=f"{url}/docs",
            temporal_address=temporal_address,
            temporal_namespace=self.settings.temporal_namespace,
            temporal_ui_url=environment.get(TEMPORAL_UI_VARIABLE),
            database_url=without_password(database_url),
            outbound=self.settings.outbound,
        )
        self.instance.write_addresses(addresses)
        return addresses

    def watch(self, announce: Announce, *, until: Callable[[], bool]) -> None:
        """Restart what ends, until told to stop."""
        while not until():
            for supervisor in self.supervisors:
                supervisor.check(announce)
            time.sleep(0.25)

    def stop(self) -> list[str]:
        """Everything has ended; returns the names of processes that had to be killed."""
        self.instance.forget_addresses()
        return self.instance.stop_everything()

    def _require_named_servers(self, announce: Announce) -> None:
        if self.settings.database_url:
            require_database(self.settings.database_url)
            announce("Using the database of DATABASE_URL.")
        if self.settings.temporal_address:
            require_temporal(self.settings.temporal_address)
            announce(f"Using Temporal at {self.settings.temporal_address}.")

    def _end_leftovers(self, announce: Announce) -> None:
        left = self.instance.running()
        if len(left) > 1:
            names = ", ".join(PROCESS_NAMES[name] for name in left if name != "up")
            announce(f"An earlier instance was killed; going on with what it left: {names}.")
        for name in ("api", "worker"):
            self._python(name, name, [], {}).stop()

    def _require_free_port(self) -> None:
        if self.port == 0:
            self.port = choose_port()
        if not port_is_free(self.port, HOST):
            refuse(
                f"Port {self.port} is used by another program. Stop that program, or choose "
                f"another port, for example: fluxrate up --port {choose_port()}"
            )

    def _start_temporal_early(self) -> EmbeddedTemporal | None:
        # It needs a few seconds, in which the database can be migrated.
        if self.settings.temporal_address:
            return None
        from workflows.names import SEARCH_ATTRIBUTES

        temporal = EmbeddedTemporal(
            self.instance.data_dir,
            SEARCH_ATTRIBUTES,
            namespace=self.settings.temporal_namespace,
            port=choose_port(self.instance.port_of("temporal", TEMPORAL_PORT)),
            ui_port=choose_port(self.instance.port_of("temporal_ui", TEMPORAL_UI_PORT)),
        )
        if temporal.pid_file.holder() is None:
            temporal.spawn()
        return temporal

    def _finish_temporal(self, temporal: EmbeddedTemporal | None, announce: Announce) -> str:
        if temporal is None:
            return self.settings.temporal_address or ""
        temporal.start()
        self.instance.remember_ports({"temporal": temporal.port, "temporal_ui": temporal.ui_port})
        announce("Temporal is ready.")
        self.supervisors.append(Supervisor(temporal, temporal.pid_file.is_held))
        return temporal.address

    def _start_database(self, announce: Announce) -> str:
        from runtime.database.accounts import MIGRATIONS, PROCESSES
        from runtime.database.migrations import upgrade

        if self.settings.database_url:
            url = self.settings.database_url
            migration_url = self.settings.migration_database_url or url
        else:
            server = EmbeddedPostgres(self.instance.data_dir)
            server.start()
            server.ensure_database(DATABASE)
            url, migration_url = (
                server.url(DATABASE, account) for account in (PROCESSES, MIGRATIONS)
            )
            announce("PostgreSQL is ready.")
            self.supervisors.append(Supervisor(server, server.pid_file.is_held))
        upgrade(migration_url)
        announce("The database schema is current.")
        return url

    def _environment(self, database_url: str, temporal_address: str) -> dict[str, str]:
        secret = self.settings.secret_key
        environment = dict(os.environ)
        environment["DATABASE_URL"] = database_url
        environment["TEMPORAL_ADDRESS"] = temporal_address
        environment["TEMPORAL_NAMESPACE"] = self.settings.temporal_namespace
        if not self.settings.temporal_address:
            environment["FLUXRATE_TEMPORAL_TLS"] = "false"
        environment["FLUXRATE_SECRET_KEY"] = (
            secret.get_secret_value() if secret else self.instance.secret_key()
        )
        if self.settings.temporal_ui_url:
            environment[TEMPORAL_UI_VARIABLE] = self.settings.temporal_ui_url
        environment["FLUXRATE_SIGNUP"] = self.settings.signup or SignUpPolicy.OPEN
        environment["FLUXRATE_OUTBOUND"] = self.settings.outbound
        if "public_url" not in self.settings.model_fields_set:
            environment["FLUXRATE_PUBLIC_URL"] = f"http://{HOST}:{self.port}"
        return environment

    def _python(
        self, name: str, module: str, arguments: list[str], environment: dict[str, str]
    ) -> PythonProcess:
        return PythonProcess(
            name=PROCESS_NAMES[name],
            module=module,
            arguments=arguments,
            pid_file=self.instance.pid_file(name),
            log=self.instance.log(name),
            environment=environment,
        )
