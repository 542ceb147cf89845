"""Every operation of the document is a method of both clients, or is left out for a reason."""

from __future__ import annotations

from fluxrate_client import AsyncFluxrate, models, resources

from clients.generator.document import operations, print_document, unnamed
from clients.generator.places import CLIENTS
from clients.generator.typescript import camel


def test_every_operation_has_a_name_in_the_clients() -> None:
    assert unnamed(print_document()) == set()


def test_every_name_is_a_method_of_each_client() -> None:
    table = (CLIENTS / "typescript" / "src" / "generated" / "resources.ts").read_text()
    awaited = AsyncFluxrate("http://api.test")
    for one in operations(print_document()):
        kind = "".join(part.capitalize() for part in one.resource.split("_"))
        assert callable(getattr(getattr(resources, f"{kind}Operations"), one.name))
        assert hasattr(awaited, one.resource)
        assert f"      {camel(one.name)}: " in table


def test_answers_are_typed_by_models_of_their_own() -> None:
    returned = {
        method.__annotations__["return"]
        for kind in vars(resources).values()
        if isinstance(kind, type) and kind.__name__.endswith("Operations")
        for method in vars(kind).values()
        if hasattr(method, "__annotations__") and "return" in method.__annotations__
    }

    assert {"Invoice", "Pages[Invoice]", "Plan", "bytes", "str", "None"} <= returned
    assert "Any" not in returned
    assert models.Invoice.__annotations__["total"] == "Decimal"
