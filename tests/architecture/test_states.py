"""A state is changed and asked for where it is defined, and nowhere else."""

from __future__ import annotations

import ast

from tests.architecture.sources import PACKAGES, ROOT, every_source, sources

PRODUCT = tuple(package for package in PACKAGES if package != "migrations")


def test_no_status_of_a_period_is_written_past_the_state_machine() -> None:
    written = [
        source.at(node)
        for source in every_source()
        if source.path.parts[-2] == "services"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Attribute)
        and ast.unparse(node.value).startswith("PeriodStatus.")
    ]

    assert written == []


def test_whether_a_subscription_has_ended_is_asked_of_its_definitions_alone() -> None:
    definitions = {
        "billing/subscriptions.py",
        "models/subscriptions/states.py",
        "models/subscriptions/subscriptions.py",  # its constraint names every state
    }
    asked = [
        source.at(node)
        for source in sources(*PRODUCT)
        if str(source.path.relative_to(ROOT)) not in definitions
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Compare) and "CANCELED" in ast.unparse(node))
        or (isinstance(node, ast.Constant) and "'CANCELED'" in str(node.value))
    ]

    assert asked == []
