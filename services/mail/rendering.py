"""Templates that organizations write: what they may say, and the text that becomes of them.

A template reads the documented variables and nothing else. That is decided by looking at its syntax
tree before anything runs: only what is listed here is in it. There is no way to an attribute of an
object, to a function or to a loop within a loop, so that its work is bounded by its length. The
sandbox is the second wall.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from billing.errors import InvalidInput
from services.documents.text import NOT_FOR_A_LINE

Row: TypeAlias = Mapping[str, str]
Variables: TypeAlias = Mapping[str, str | Sequence[Row]]

LONGEST_RESULT: Final = 512 * 1024
"""Characters. What is longer is no mail."""

MOST_LOOPS: Final = 20

DEEPEST: Final = 40
"""How many parts stand within one another: Python itself ends at a hundred."""

FILTERS: Final = ("lower", "trim", "upper")

WORDS: Final = frozenset(
    {
        *("title", "number", "headline", "seller", "buyer", "total", "amount_due"),
        *("issued_on", "due_on", "link", "payment_link"),
    }
)
"""The variables that are a text, empty where there is none."""

ROWS: Final = {
    "facts": frozenset({"words", "value"}),
    "lines": frozenset({"name", "amount"}),
    "totals": frozenset({"words", "amount"}),
    "bank": frozenset({"words", "value"}),
}
"""The variables that are rows, and what each row has."""


_TOO_DEEP: Final = f"More than {DEEPEST} parts stand within one another"


class _Words(StrictUndefined):
    """Nothing that is not there is shown as if it were empty."""


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        autoescape=autoescape, undefined=_Words, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.clear()
    made.tests.clear()
    for name in made.filters.keys() - set(FILTERS):
        del made.filters[name]
    return made


_PLAIN: Final = _environment(autoescape=False)
_HTML: Final = _environment(autoescape=True)


def require_template(source: str, *, field: str) -> None:
    """Return if the template says what it may. Raises InvalidInput ``invalid_template``."""
    try:
        tree = _PLAIN.parse(source)
    except TemplateSyntaxError as error:
        raise _invalid(f"{error.message} (line {error.lineno})", field) from error
    except RecursionError as error:
        raise _invalid(_TOO_DEEP, field) from error
    _require_shallow(tree, field)
    checked = _Check(field)
    checked.body(tree.body, {})
    if checked.loops > MOST_LOOPS:
        raise _invalid(f"There are more than {MOST_LOOPS} loops.", field)
    for is_html in (False, True):
        try:
            _template(source, is_html=is_html)
        except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
            raise _invalid(f"It cannot run: {error}", field) from error


def _require_shallow(tree: nodes.Node, field: str) -> None:
    """Return if whoever walks over the tree, or makes a program of it, comes to its end."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST:
            raise _invalid(f"{_TOO_DEEP} (line {node.lineno})", field)
        waiting.extend((inner, depth + 1) for inner in node.iter_child_nodes())


def render(source: str, variables: Variables, *, is_html: bool = False) -> str:
    """The text of a template that :func:`require_template` let pass.

    Names hold no ends of lines; in HTML all values are escaped. Raises InvalidInput
    ``mail_too_long``, and ``invalid_template`` for one that was not let pass.
    """
    parts: list[str] = []
    length = 0
    try:
        for part in _template(source, is_html=is_html).generate(_cleaned(variables)):
            length += len(part)
            if length > LONGEST_RESULT:
                raise InvalidInput(
                    f"The mail would be longer than {LONGEST_RESULT} characters.",
                    code="mail_too_long",
                )
            parts.append(part)
    except TemplateError as error:
        raise _invalid(str(error), None) from error
    return "".join(parts)


@lru_cache(maxsize=256)
def _template(source: str, *, is_html: bool) -> Template:
    return (_HTML if is_html else _PLAIN).from_string(source)


def _cleaned(variables: Variables) -> dict[str, object]:
    return {
        name: _on_one_line(value)
        if isinstance(value, str)
        else [{key: _on_one_line(one) for key, one in row.items()} for row in value]
        for name, value in variables.items()
    }


def _on_one_line(value: str) -> str:
    return NOT_FOR_A_LINE.sub(" ", value)


Scope: TypeAlias = Mapping[str, Collection[str]]
"""The names of rows inside a loop, and what each has."""


@dataclass
class _Check:
    """Walks over a template and refuses what is not listed."""

    field: str
    loops: int = 0

    def body(self, body: Sequence[nodes.Node], scope: Scope) -> None:
        for node in body:
            match node:
                case nodes.Output():
                    for shown in node.nodes:
                        self.value(shown, scope)
                case nodes.If():
                    self.condition(node.test, scope)
                    for inner in (node.body, node.elif_, node.else_):
                        self.body(inner, scope)
                case nodes.For():
                    self.loop(node, scope)
                case _:
                    raise self.refusal(node, "is not available in templates")

    def loop(self, node: nodes.For, scope: Scope) -> None:
        self.loops += 1
        if scope:
            raise self.refusal(node, "may not stand in another loop")
        if node.test is not None or node.recursive or not isinstance(node.target, nodes.Name):
            raise self.refusal(node, "has one name and one list")
        if not isinstance(node.iter, nodes.Name) or node.iter.name not in ROWS:
            raise self.refusal(node, f"goes over one of {', '.join(ROWS)}")
        if node.target.name in ROWS:
            raise self.refusal(node, f"may not call its row {node.target.name}")
        self.body(node.body, {node.target.name: ROWS[node.iter.name]})
        self.body(node.else_, scope)

    def condition(self, node: nodes.Node, scope: Scope) -> None:
        match node:
            case nodes.Name() if node.name in ROWS:
                return
            case nodes.And() | nodes.Or():
                self.condition(node.left, scope)
                self.condition(node.right, scope)
            case nodes.Not():
                self.condition(node.node, scope)
            case nodes.Compare():
                self.value(node.expr, scope)
                for operand in node.ops:
                    if operand.op not in {"eq", "ne"}:
                        raise self.refusal(node, "compares by == and != only")
                    self.value(operand.expr, scope)
            case _:
                self.value(node, scope)

    def value(self, node: nodes.Node | None, scope: Scope) -> None:
        match node:
            case nodes.TemplateData():
                return
            case nodes.Const() if isinstance(node.value, str):
                return
            case nodes.Name():
                if node.name in scope or node.name not in WORDS:
                    raise self.refusal(node, self.unknown(node.name, scope))
            case nodes.Getattr() if isinstance(node.node, nodes.Name) and node.node.name in scope:
                known = scope[node.node.name]
                if node.attr not in known:
                    raise self.refusal(node, f"{node.attr} is none of {', '.join(sorted(known))}")
            case nodes.Filter() if node.name in FILTERS and not (
                node.args or node.kwargs or node.dyn_args or node.dyn_kwargs
            ):
                self.value(node.node, scope)
            case nodes.Node():
                raise self.refusal(node, "is not available in templates")
            case None:
                return

    def unknown(self, name: str, scope: Scope) -> str:
        if name in ROWS or name in scope:
            return f"{name} cannot be shown as a whole; loop over it, or name a part"
        return f"{name} is unknown; there are {', '.join(sorted(WORDS | ROWS.keys()))}"

    def refusal(self, node: nodes.Node, what: str) -> InvalidInput:
        kind = type(node).__name__
        said = what if isinstance(node, (nodes.Name, nodes.Getattr)) else f"{kind} {what}"
        return _invalid(f"{said} (line {node.lineno})", self.field)


def _invalid(detail: str, field: str | None) -> InvalidInput:
    return InvalidInput(detail[:500], code="invalid_template", field=field)
