"""A state is changed and asked for where it is defined, and nowhere else."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import PACKAGES, ROOT, every_source, sources

PRODUCT = tuple(package for package in PACKAGES if package != "migrations")

OF_AN_ENUM = {
    "action",
    "billing_anchor",
    "effective",
    "kind",
    "late_usage",
    "number_at",
    "plan_edits",
    "proration",
    "status",
    "tax_status",
    "type",
    "version_policy",
}
"""What holds a member of an enumeration, in whichever table or command it stands."""

CHECKED_LITERALS = {
    "api/schemas/invoicing/invoices.py",  # a preview is in no state of an invoice
    "api/schemas/subscriptions/test_clocks.py",  # what a clock does is computed
    "cli/demo/sales.py",  # it speaks with the API from outside, by the client's literals
    "repositories/ingestion/references.py",  # how an event names its meter and customer
    "services/ingestion/references.py",
}
"""Files whose words are of a ``Literal`` type, so that mypy knows them."""


def holds_a_member(node: ast.expr) -> bool:
    """Whether the expression is a column or an attribute of ``OF_AN_ENUM``, or has one."""
    match node:
        case ast.Tuple(elts=elements):
            return any(map(holds_a_member, elements))
        case ast.Call(func=ast.Name(id="col"), args=[column]):
            return holds_a_member(column)
    return isinstance(node, ast.Attribute) and node.attr in OF_AN_ENUM


def has_words(node: ast.expr) -> bool:
    """Whether the expression is a text, or chooses among texts."""
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return any(map(has_words, elements))
        case ast.IfExp(body=one, orelse=other):
            return has_words(one) or has_words(other)
        case ast.Call(func=ast.Name(id="words"), keywords=options):
            return any(one.arg == "default" and has_words(one.value) for one in options)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""


def spells_a_member(node: ast.AST) -> bool:
    """Whether the node compares, sets or defaults one of ``OF_AN_ENUM`` by words."""
    match node:
        case ast.Compare(left=left, comparators=right):
            sides = (left, *right)
            return any(map(holds_a_member, sides)) and any(map(has_words, sides))
        case ast.Call(func=ast.Attribute(attr="in_" | "not_in", value=column), args=given):
            return holds_a_member(column) and any(map(has_words, given))
        case ast.Assign(targets=targets, value=value):
            return any(map(holds_a_member, targets)) and has_words(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return name in OF_AN_ENUM and has_words(value)
        case ast.keyword(arg=str() as name, value=value):
            return name in OF_AN_ENUM and has_words(value)
    return False


def test_members_of_enumerations_are_not_spelled_out() -> None:
    spelled = [
        source.at(getattr(node, "value", node))
        for source in sources(*PRODUCT)
        if str(source.path.relative_to(ROOT)) not in CHECKED_LITERALS
        for node in ast.walk(source.tree)
        if spells_a_member(node)
    ]

    assert spelled == []


@pytest.mark.parametrize(
    "spelled",
    [
        "invoice.status == 'DRAFT'",
        "col(Invoice.status).not_in(('DRAFT', 'VOID'))",
        "(note.kind, note.reason) != ('manual', reason)",
        "meter.status = 'INACTIVE'",
        "status: str = words(default='open')",
        "new_invoice(kind='manual')",
        "make(version_policy='pinned' if pins else 'latest')",
    ],
)
def test_the_rule_sees_what_is_spelled_out(spelled: str) -> None:
    assert any(map(spells_a_member, ast.walk(ast.parse(spelled))))


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
