"""``fluxrate up``, ``status`` and ``down``: one instance on this machine."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.local.instance import PROCESS_NAMES, Addresses, Instance, answers
from cli.local.stack import Stack
from cli.local.temporal_links import link_questions
from cli.output import make_console, refuse
from runtime.embedded.processes import ProcessFailure
from runtime.settings import Settings
from services.operations.outbound import Outbound

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
QUIET = "Quiet: no mail, webhook, charge or top-up leaves; they wait for a start without it."
NOT_RUNNING = 3
"""Exit code of ``status`` when nothing runs, as of service scripts."""


class StopAsked(BaseException):
    """The operator asked this process to stop."""


def up(data_dir: Path | None, port: int, *, is_quiet: bool = False) -> int:
    """Run an instance until a signal asks to stop it; return the exit code.

    Where it is to be quiet, nothing leaves it, whatever the environment says.
    """
    console = make_console()
    settings = Settings()
    if is_quiet:
        settings = settings.model_copy(update={"outbound": Outbound.OFF})
    instance = Instance((data_dir or settings.data_dir).absolute())
    claim_or_refuse(instance)
    stack = Stack(instance=instance, settings=settings, port=port)
    code = 0
    try:
        with stop_on_signals():
            began = time.monotonic()
            addresses = stack.start(console.print)
            show_addresses(console, addresses, instance)
            console.print(f"Ready after {time.monotonic() - began:.1f} s. Ctrl-C stops it.")
            stack.watch(console.print, until=lambda: False)
    except StopAsked:
        console.print("Stopping.")
    except ProcessFailure as failure:
        console.print(str(failure), markup=False)
        code = 1
    finally:
        ignore_signals()
        finish(stack, console)
    return code


def finish(stack: Stack, console: Console) -> None:
    """Everything has ended, and the operator knows how it went."""
    if set(stack.instance.running()) <= {"up"}:
        return
    began = time.monotonic()
    killed = stack.stop()
    for name in killed:
        console.print(f"{name} did not end by itself and was killed.")
    console.print(
        f"Stopped after {time.monotonic() - began:.1f} s. The next `fluxrate up` goes on here."
    )


def status(data_dir: Path | None) -> int:
    """Print what runs; return 0 if the instance is up, else 3."""
    console = make_console()
    instance = Instance((data_dir or Settings().data_dir).absolute())
    running = instance.running()
    if not running:
        console.print(f"Nothing runs from {instance.data_dir}. Start it with `fluxrate up`.")
        return NOT_RUNNING
    table = Table("Process", "State")
    for name, title in PROCESS_NAMES.items():
        table.add_row(title, f"runs (pid {running[name]})" if name in running else "does not run")
    console.print(table)
    addresses = instance.addresses()
    if "up" not in running:
        console.print(
            "The supervisor was killed. `fluxrate up` goes on with what it left, "
            "`fluxrate down` stops it."
        )
        return NOT_RUNNING
    if addresses is not None:
        show_addresses(console, addresses, instance)
        is_ready = answers(addresses.api_url.removesuffix("/api/v1") + "/readyz")
        console.print("The API is ready." if is_ready else "The API is not ready.")
    return 0


def down(data_dir: Path | None) -> int:
    """Stop the instance, or what a killed one left; return the exit code."""
    console = make_console()
    instance = Instance((data_dir or Settings().data_dir).absolute())
    running = instance.running()
    if not running:
        console.print(f"Nothing runs from {instance.data_dir}.")
        return 0
    names = ", ".join(PROCESS_NAMES[name] for name in running)
    console.print(f"Stopping {names}: steps that run are finished first, for up to a minute.")
    began = time.monotonic()
    killed = instance.stop_everything()
    instance.forget_addresses()
    for name in killed:
        console.print(f"{name} did not end by itself and was killed.")
    console.print(f"Stopped {names} after {time.monotonic() - began:.1f} s.")
    return 0


def claim_or_refuse(instance: Instance) -> None:
    """This process is the instance's only supervisor.

    Raises:
        Refusal: another one runs.
    """
    supervisor = instance.pid_file("up")
    if supervisor.claim():
        return
    addresses = instance.addresses()
    where = f", at {addresses.api_url}" if addresses else ""
    refuse(
        f"Fluxrate already runs from {instance.data_dir} (process {supervisor.holder()}{where}). "
        f"Stop it with `fluxrate down --data-dir {instance.data_dir}`, or run a second one with "
        "another --data-dir and another --port."
    )


def show_addresses(console: Console, addresses: Addresses, instance: Instance) -> None:
    """Where everything is; addresses too long for a table stand whole on lines of their own."""
    table = Table(show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    root = addresses.docs_url.removesuffix("docs")
    table.add_row("Start here", root)
    table.add_row("Console", f"{root}console")
    table.add_row("Sign up", f"{root}console/sign-up")
    table.add_row("API", addresses.api_url)
    table.add_row("Interactive docs", addresses.docs_url)
    if addresses.temporal_ui_url:
        table.add_row("Temporal UI", addresses.temporal_ui_url)
    table.add_row("Temporal", addresses.temporal_address)
    table.add_row("Database", addresses.database_url)
    table.add_row("Data and logs", str(instance.data_dir))
    console.print(table)
    if addresses.outbound == Outbound.OFF:
        console.print(QUIET)
    if addresses.temporal_ui_url:
        ui, namespace = addresses.temporal_ui_url, addresses.temporal_namespace
        for name, address in link_questions(ui, namespace=namespace, now=datetime.now(UTC)):
            if address != ui:
                show_link(console, name, address)


def show_link(console: Console, name: str, address: str) -> None:
    """One address on one line, however long, so that it can be opened."""
    console.print(f"{name}: {address}", soft_wrap=True, markup=False)


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Inside, a signal that asks to stop raises ``StopAsked`` in the main thread."""

    def ask(_number: int, _frame: object) -> None:
        ignore_signals()
        raise StopAsked

    # A signal that the shell or nohup told us to ignore stays ignored.
    heeded = [n for n in STOPPING_SIGNALS if signal.getsignal(n) != signal.SIG_IGN]
    previous = {number: signal.signal(number, ask) for number in heeded}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """Stopping is not interrupted by a second Ctrl-C; it ends within its own timeouts."""
    for number in STOPPING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
