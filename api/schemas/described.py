"""How schemas stand in the OpenAPI document: under which name, and in which words."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import Any, ClassVar, Final, TypeVar, cast

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from api.schemas.wording import SAME_EVERYWHERE

_WITHIN_PARAGRAPH: Final = re.compile(r"(?<!\n)\n *(?!\n)")

_PARSING: Final = Lock()
"""Python 3.11 counts how deep it is in a tree for all threads together: two at once fail."""

Shown = TypeVar("Shown", bound=BaseModel)

NOTE: Final = "x-note"
"""What a type says of its values, such as their unit, behind what a field says of itself."""


class Described(BaseModel):
    """A model whose every property is described: by what stands below it, and by its type.

    What a field does not say, the field of the same name says for it: of the models that it is
    ``like``, or else wherever the name means the same. A class ``InvoiceView`` is the component
    ``Invoice``.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        json_schema_serialization_defaults_required=True,
    )
    described_like: ClassVar[tuple[type[Described], ...]] = ()

    def __init_subclass__(cls, like: tuple[type[Described], ...] = (), **config: Any) -> None:
        super().__init_subclass__(**config)
        cls.described_like = (*like, *cls.described_like)
        cls.__qualname__ = component_name(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The schema under its component's name, each property in words."""
        shown = handler(core)
        schema = handler.resolve_ref_schema(shown)
        schema["title"] = cls.__qualname__
        describe(schema, (cls, *cls.described_like))
        return shown


def unchecked(kind: type[Shown]) -> type[Shown]:
    """Makes views of values that the type checker has looked at, and looks at none while it runs.

    All fields are given by their names; in their order it is fastest. Raises TypeError for others.
    """
    return cast("type[Shown]", _maker_of(kind))


@cache
def _maker_of(kind: Hashable) -> Callable[..., BaseModel]:
    model = cast("type[BaseModel]", kind)
    names = tuple(model.model_fields)
    fields = set(names)

    def make(**values: object) -> BaseModel:
        if tuple(values) != names:
            if values.keys() != fields:
                raise TypeError(f"{model.__name__} has the fields {', '.join(names)}.")
            values = {name: values[name] for name in names}
        made = model.__new__(model)
        # What the model itself would set once it had validated the values.
        object.__setattr__(made, "__dict__", values)
        object.__setattr__(made, "__pydantic_fields_set__", fields.copy())
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made

    return make


class ShownAs:
    """Marks free-form data that the document shows as another type, a model or a list of models."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The schema of the other type."""
        # Within another schema it is generated as any: a model is a component by its name.
        return handler(core_schema.definitions_schema(TypeAdapter(self._kind).core_schema, []))


def component_name(kind: type) -> str:
    """What a model is called in the document."""
    return kind.__name__.removesuffix("View")


def describe(schema: dict[str, Any], like: tuple[type[Described], ...]) -> None:
    """The properties of a schema have descriptions, and no titles that only repeat their names."""
    if "description" in schema:
        schema["description"] = _plain(schema["description"])
    for name, described in schema.get("properties", {}).items():
        described.pop("title", None)
        if described.get("default", ...) is None:
            # What is absent is not the same as null everywhere.
            del described["default"]
        words = described.pop("description", None) or _words_of(name, like)
        notes = [one.pop(NOTE) for one in (described, *described.get("anyOf", ())) if NOTE in one]
        said = " ".join(dict.fromkeys(filter(None, (words, *notes))))
        if said:
            described["description"] = _plain(said)
        _describe_items(described)


def _describe_items(schema: dict[str, Any]) -> None:
    for inner in (schema.get("items"), *schema.get("anyOf", ())):
        if isinstance(inner, dict):
            if NOTE in inner:
                inner["description"] = inner.pop(NOTE)
            _describe_items(inner)


def _words_of(name: str, like: Iterable[type[Described]]) -> str | None:
    for model in like:
        for one in (model, *_above(model), *model.described_like):
            for own, field in one.model_fields.items():
                if name in (own, field.alias) and (said := _said_of(one, own)):
                    return said
    return SAME_EVERYWHERE.get(name)


def _said_of(model: type[Described], name: str) -> str | None:
    """What a field says of itself, or what stands below it where its model is written."""
    below = _fields_in(model.__module__).get((model.__name__, name))
    return model.model_fields[name].description or below


@cache
def _fields_in(module: str) -> dict[tuple[str, str], str]:
    """The texts below the fields of a module's models, read when the document is first made."""
    with _PARSING:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        (model.name, field.target.id): inspect.cleandoc(below.value.value)
        for model in tree.body
        if isinstance(model, ast.ClassDef)
        for field, below in pairwise(model.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _above(model: type[Described]) -> Iterator[type[Described]]:
    """The models that a model is made of: what it says anew, it means alike."""
    return (one for one in model.__mro__[1:] if issubclass(one, Described))


def _plain(text: str) -> str:
    """The text as the document has it: each paragraph in one line."""
    return _WITHIN_PARAGRAPH.sub(" ", text.strip()).replace("``", "`")
