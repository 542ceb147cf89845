"""A period's status changes by its state machine and in no other way."""

from __future__ import annotations

import ast

from tests.architecture.sources import every_source


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
