"""How the types of the document are written in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword

from openapi_python_client.parser.properties import LiteralEnumProperty, ModelProperty
from openapi_python_client.parser.properties.any import AnyProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty

WRITTEN = "Params"
"""What the name of a type ends with whose values are sent: it is a dictionary."""


@dataclass(frozen=True, slots=True)
class TypeTexts:
    """Writes types. What refers to a model does not always know what it has; ``models`` do."""

    models: Mapping[str, ModelProperty]

    def properties_of(self, kind: ModelProperty) -> list[PropertyProtocol]:
        """What a model has, what is required first."""
        model = self.models.get(kind.class_info.name, kind)
        return [*(model.required_properties or ()), *(model.optional_properties or ())]

    def answered(self, kind: PropertyProtocol) -> str:
        """The type of what is answered. Numbers that may have fractions are decimals."""
        match kind:
            case UnionProperty():
                return joined(self.answered(one) for one in kind.inner_properties)
            case ListProperty():
                return f"list[{self.answered(kind.inner_property)}]"
            case ModelProperty():
                return self.free_form(kind) or kind.class_info.name
            case FloatProperty():
                return "Decimal"
            case DateTimeProperty():
                return "datetime"
            case DateProperty():
                return "date"
            case _:
                return self.simple(kind)

    def sent(self, kind: PropertyProtocol) -> str:
        """The type of what may be given: whatever is easily at hand."""
        match kind:
            case UnionProperty():
                inner = [self.sent(one) for one in kind.inner_properties]
                if "Number" in inner:
                    inner = [one for one in inner if one != "str"]
                return joined(inner)
            case ListProperty():
                return f"Sequence[{self.sent(kind.inner_property)}]"
            case ModelProperty():
                return self.free_form(kind, "Mapping") or f"{kind.class_info.name}{WRITTEN}"
            case FloatProperty():
                return "Number"
            case DateTimeProperty():
                return "datetime | str"
            case DateProperty():
                return "date | str"
            case UuidProperty():
                return "UUID | str"
            case _:
                return self.simple(kind)

    def free_form(self, kind: ModelProperty, outside: str = "dict") -> str | None:
        """The type of an object whose names are anybody's; None if it has names of its own."""
        if self.properties_of(kind):
            return None
        inner = kind.additional_properties
        return f"{outside}[str, {'Any' if inner is None else self.answered(inner)}]"

    def simple(self, kind: PropertyProtocol) -> str:
        """The type of what is sent as it is answered."""
        match kind:
            case LiteralEnumProperty():
                return kind.class_info.name
            case ConstProperty():
                return f"Literal[{kind.value.python_code.as_unembedded_code()}]"
            case BooleanProperty():
                return "bool"
            case IntProperty():
                return "int"
            case StringProperty() | UuidProperty():
                return "str"
            case FileProperty():
                return "bytes"
            case NoneProperty():
                return "None"
            case AnyProperty():
                return "Any"
        raise TypeError(f"no type is known for {kind!r}")


def python_name(one: PropertyProtocol) -> str:
    """The name in Python: the wire's own, but for words of the language."""
    wire = one.name.get_untrusted_value()
    return str(one.python_name) if iskeyword(wire) or not wire.isidentifier() else wire


def joined(kinds: Iterable[str]) -> str:
    """The union, each kind named once."""
    parts = dict.fromkeys(part for kind in kinds for part in kind.split(" | "))
    if "Any" in parts:
        return "Any"
    return " | ".join(sorted(parts, key=lambda part: part == "None"))
