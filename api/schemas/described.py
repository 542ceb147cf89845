"""How schemas stand in the OpenAPI document: under which name, and in which words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from api.schemas.wording import SAME_EVERYWHERE

_WITHIN_PARAGRAPH: Final = re.compile(r"(?<!\n)\n *(?!\n)")

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
        use_attribute_docstrings=True,
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
        describe(schema, (*_above(cls), *cls.described_like))
        return shown


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
            field = one.model_fields.get(name)
            if field is not None and field.description:
                return field.description
    return SAME_EVERYWHERE.get(name)


def _above(model: type[Described]) -> Iterator[type[Described]]:
    """The models that a model is made of: what it says anew, it means alike."""
    return (one for one in model.__mro__[1:] if issubclass(one, Described))


def _plain(text: str) -> str:
    """The text as the document has it: each paragraph in one line."""
    return _WITHIN_PARAGRAPH.sub(" ", text.strip()).replace("``", "`")
