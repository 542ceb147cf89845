"""What import-linter cannot see: calls, clocks, commits and the standard library."""

from __future__ import annotations

import ast
import sys
import tomllib

from tests.architecture.sources import PACKAGES, ROOT, every_source, sources

IMPURE = {"asyncio", "logging", "os", "random", "secrets", "socket", "threading", "time"}
CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")


def test_the_wheel_holds_everything_that_runs() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]

    # Where packages are named, hatchling looks nowhere else: `include` would add nothing.
    assert "include" not in wheel
    assert set(wheel["packages"]) == {*PACKAGES, "clients/python/fluxrate_client", "worker.py"}


def test_billing_imports_only_the_pure_part_of_the_standard_library() -> None:
    findings = [
        f"{source.at(node)} imports {module}"
        for source in sources("billing")
        for node, module in source.imported_modules()
        if (top := module.partition(".")[0]) != "billing"
        and (top not in sys.stdlib_module_names or top in IMPURE)
    ]

    assert findings == []


def test_billing_knows_no_float_and_no_second_rounding() -> None:
    findings = [
        source.at(node)
        for source in sources("billing")
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id in {"float", "round"})
        or (isinstance(node, ast.Attribute) and node.attr == "total_seconds")
    ]

    assert findings == []


def test_nothing_below_the_edges_reads_a_clock() -> None:
    findings = [
        f"{source.at(call)} calls {name}"
        for source in sources("billing", "models", "repositories", "services", "workflows")
        for call, name in source.calls()
        if name.removeprefix("datetime.datetime").endswith(CLOCKS) and "workflow." not in name
    ]

    assert findings == []


def test_only_the_edge_commits() -> None:
    findings = [
        source.at(call)
        for source in sources("repositories", "services")
        for call, name in source.calls()
        if name.endswith((".commit", ".rollback"))
        and source.path.name not in {"transactions.py", "outbox.py"}
    ]

    assert findings == []


def test_processes_are_left_by_the_one_helper() -> None:
    leaving = {
        str(source.path.name)
        for source in every_source()
        for _, name in source.calls()
        if name == "os._exit" and "tests" not in source.path.parts
    }

    assert leaving == {"exit.py", "lifeline.py"}


def test_modules_with_workflows_run_nothing_when_imported() -> None:
    findings = [
        f"{source.at(statement)}"
        for source in sources("workflows")
        for statement in source.tree.body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    ]

    assert findings == []
