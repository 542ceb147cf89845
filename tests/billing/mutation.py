"""Mutation testing of the rules: how many small changes of `billing/` the tests notice.

    python -m tests.billing.mutation [module …]

mutmut leaves decorated functions alone, and the arithmetic is decorated. So it works on a copy in
which ``@exactly def f`` reads ``def f … f = exactly(f)``, which means the same. A function that is
cached is not cached there: else a mutant of it would never be called.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
NOT_RULES: Final = ("errors.py", "subscriptions.py")
CACHES: Final = ("cache", "lru_cache")
SURVIVED, NO_TESTS, NOT_RUN, FLOOR = 0, 33, None, 0.90

_CONFIGURATION: Final = """
[project]
name = "mutated"
version = "0"

[tool.pytest.ini_options]
addopts = "--import-mode=importlib -p no:cacheprovider"
pythonpath = ["."]

[tool.mutmut]
source_paths = ["billing"]
do_not_mutate = ["billing/errors.py", "billing/subscriptions.py"]
pytest_add_cli_args_test_selection = ["tests/billing"]
also_copy = ["tests", "docs"]
"""


def main(modules: Sequence[str]) -> int:
    """Mutate, test, report; 1 if fewer than nine in ten mutants are killed."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        _copy(work)
        command = ["mutmut", "run", *(f"billing.{module}.*" for module in modules)]
        quick = {**os.environ, "FLUXRATE_HYPOTHESIS_PROFILE": "quick"}
        subprocess.run(command, cwd=work, env=quick, check=False, stdout=subprocess.DEVNULL)
        return _report(work / "mutants" / "billing")


def _copy(work: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "billing", work / "billing", ignore=ignored)
    shutil.copytree(ROOT / "tests" / "billing", work / "tests" / "billing", ignore=ignored)
    shutil.copytree(ROOT / "docs" / "concepts", work / "docs" / "concepts")
    (work / "pyproject.toml").write_text(_CONFIGURATION, encoding="utf-8")
    for file in (work / "billing").rglob("*.py"):
        if file.name not in NOT_RULES:
            file.write_text(undecorate(file.read_text(encoding="utf-8")), encoding="utf-8")


def undecorate(source: str) -> str:
    """Rewrite decorated functions of modules and classes as plain ones that are wrapped below."""
    lines = source.splitlines()
    for function in sorted(_decorated(ast.parse(source)), key=lambda one: -one.lineno):
        wrapped = function.name
        for decorator in map(ast.unparse, reversed(function.decorator_list)):
            if not decorator.startswith(CACHES):
                wrapped = f"{decorator}({wrapped})"
        indent = " " * function.col_offset
        lines.insert(function.end_lineno or 0, f"{indent}{function.name} = {wrapped}")
        del lines[function.decorator_list[0].lineno - 1 : function.lineno - 1]
    return "\n".join(lines) + "\n"


def _decorated(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    for body in bodies:
        for node in body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                yield node


def _report(mutated: Path) -> int:
    outcomes: Counter[str] = Counter()
    for meta in sorted(mutated.rglob("*.meta")):
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        functions = _functions(meta.with_suffix("").read_text(encoding="utf-8"))
        for name, code in codes.items():
            if code is NOT_RUN:
                continue
            lives = code in {SURVIVED, NO_TESTS}
            outcomes["survived" if lives else "killed"] += 1
            if lives:
                _say(f"## {name}", *_difference(functions, name.rsplit(".", 1)[1]))
    total = outcomes.total()
    rate = outcomes["killed"] / total if total else 0.0
    _say(f"killed {outcomes['killed']} of {total}: {rate:.1%}")
    return 0 if rate >= FLOOR else 1


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _functions(source: str) -> dict[str, list[str]]:
    lines = source.splitlines()
    return {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


def _difference(functions: dict[str, list[str]], name: str) -> list[str]:
    original = functions.get(re.sub(r"__mutmut_\d+$", "__mutmut_orig", name), [])
    changed = difflib.unified_diff(original, functions.get(name, []), lineterm="", n=0)
    return [line for line in changed if not line.startswith(("---", "+++", "@@"))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
