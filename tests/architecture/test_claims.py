"""Money has more claims than rules: eight lines of tests for each five of billing."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.sources import Source, sources

LEAST = 1.6
"""Lines of claims for each line of rules. Who adds rules adds claims, worked out by hand."""

NO_CLAIMS = ("mutation.py",)
"""What asks whether claims notice changes, and claims nothing itself."""

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source: Source) -> int:
    """How many lines say something to the machine: no blanks, no comments, no docstrings."""
    told = {
        number
        for node in ast.walk(source.tree)
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None
        for number in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    return sum(
        number not in told and line.strip() != "" and not line.lstrip().startswith("#")
        for number, line in enumerate(source.text.splitlines(), 1)
    )


def test_billing_has_more_claims_than_rules() -> None:
    rules = sum(map(code_lines, sources("billing")))
    claims = sum(
        code_lines(one) for one in sources("tests/billing") if one.path.name not in NO_CLAIMS
    )

    assert claims / rules >= LEAST, f"{claims} lines of claims for {rules} of rules"


def test_only_what_the_machine_reads_is_counted() -> None:
    lines = [
        '"""Says."""', "", "# Why.", "x = 1  # So.", "def f():", '    """Says', "", '    more."""',
        "    return (", "        1", "    )",
    ]  # fmt: skip
    text = "\n".join(lines)

    assert code_lines(Source(Path("x.py"), text, ast.parse(text))) == 5


def test_every_property_says_how_hard_it_is_tried() -> None:
    """Else it is tried as often in depth as in the suite (``tests/billing/profiles.py``)."""
    silent = [
        f"{source.path}::{function.name}"
        for source in sources("tests/billing")
        for function in ast.walk(source.tree)
        if isinstance(function, ast.FunctionDef)
        and any(ast.unparse(one).startswith("given(") for one in function.decorator_list)
        and len(function.decorator_list) == 1
    ]

    assert silent == []
