"""What a field wants is said in our words, whatever the library that reads requests says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from api.document.codes import read_codes
from api.schemas.common import AnyInterval, Count, Email, Flag, Name, Words
from api.schemas.free_form import FreeForm
from api.transport.refused.fields import field_error
from api.transport.refused.forms import WORDS_OF_FORMS
from api.transport.refused.words import WORDS

API = Path(__file__).parents[4] / "api"
LIBRARY = frozenset(get_args(ErrorType))
FORM = "string_pattern_mismatch"
CONTEXTS: dict[str, dict[str, Any]] = {
    "decimal_max_digits": {"max_digits": 30},
    "decimal_max_places": {"decimal_places": 12},
    "decimal_whole_digits": {"whole_digits": 18},
    "greater_than": {"gt": 0},
    "greater_than_equal": {"ge": 1},
    "less_than": {"lt": 5000},
    "less_than_equal": {"le": 5000},
    "multiple_of": {"multiple_of": 5},
    "string_too_short": {"min_length": 1},
    "string_too_long": {"max_length": 500},
    FORM: {"pattern": next(iter(WORDS_OF_FORMS))},
    "enum": {"expected": "'day', 'week' or 'month'"},
    "literal_error": {"expected": "'once' or 'forever'"},
    "too_short": {"field_type": "List", "min_length": 1, "actual_length": 0},
    "too_long": {"field_type": "List", "max_length": 100, "actual_length": 101},
    "union_tag_invalid": {"discriminator": "'kind'", "tag": "x", "expected_tags": "'a', 'b'"},
    "union_tag_not_found": {"discriminator": "'kind'"},
    "url_scheme": {"expected_schemes": "'https'"},
    "url_too_long": {"max_length": 2000},
    "json_invalid": {"error": "Expecting value"},
    "value_error": {"error": "The value is of yesterday."},
}
"""What the library says beside a code, where it says something."""


def told(code: str, context: dict[str, Any]) -> str:
    error = {"type": code, "loc": ("body", "field"), "msg": "…", "input": 0, "ctx": context}
    answer: str = field_error(error)["detail"]
    return answer


def refused(kind: Any, value: object) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    [error] = caught.value.errors()
    return field_error({**error, "loc": ("body", "field")})


def listed() -> list[str]:
    return sorted(read_codes().keys() & LIBRARY)


@pytest.mark.parametrize("code", listed())
def test_every_code_of_the_library_that_the_catalogue_knows_has_our_words(code: str) -> None:
    words = told(code, CONTEXTS.get(code, {}))

    assert words != "…"
    assert code == "value_error" or words.startswith(("must ", "is "))
    assert "{" not in words
    assert "'" not in words


def test_no_words_are_of_codes_that_the_catalogue_does_not_know() -> None:
    assert {*WORDS, FORM} == set(listed())


@pytest.mark.parametrize(
    ("kind", "value", "code", "words"),
    [
        (Count, "3", "int_type", "must be a whole number"),
        (int, "x", "int_parsing", "must be a whole number"),
        (Annotated[int, Field(ge=1)], 0, "greater_than_equal", "must be at least 1"),
        (
            Annotated[int, Field(le=1_000_000)],
            10**7,
            "less_than_equal",
            "must be at most 1,000,000",
        ),
        (Flag, "yes", "bool_type", "must be true or false"),
        (Words, 5, "string_type", "must be a text"),
        (
            Words,
            "  ",
            "string_too_short",
            "must be more than space",
        ),
        (Words, "x" * 501, "string_too_long", "must have at most 500 characters"),
        (
            Name,
            "\u2028",
            "string_too_short",
            "must be more than space",
        ),
        (Email, "x", FORM, "must be an address such as ap@harbor.example"),
        (
            Annotated[str, StringConstraints(pattern=r"^x+$")],
            "y",
            FORM,
            "must match ^x+$",
        ),
        (AnyInterval, "eon", "enum", "must be day, week, month, quarter or year"),
        (Literal["once", "forever"], "x", "literal_error", "must be once or forever"),
        (Annotated[list[int], Field(min_length=1)], [], "too_short", "must have at least 1 item"),
        (FreeForm, [], "dict_type", "must be an object"),
        (
            UUID,
            "x",
            "uuid_parsing",
            "must be an id as an answer gave it, such as 0196f2a0-11aa-7b0c-8f3e-2d4c6b8a9e01",
        ),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_a_field_wants_is_said_by_its_bounds(
    kind: Any, value: object, code: str, words: str
) -> None:
    error = refused(kind, value)

    assert (error["code"], error["detail"]) == (code, words)


def test_every_form_of_a_text_is_said_in_words() -> None:
    written = re.compile(r"\bpattern=(\S+?)[,)\n]")
    named = {name for file in API.rglob("*.py") for name in written.findall(file.read_text())}
    forms = API / "transport" / "refused" / "forms.py"
    known = {
        target.id
        for node in ast.parse(forms.read_text()).body
        if isinstance(node, ast.AnnAssign) and isinstance(target := node.target, ast.Name)
    }

    assert named
    assert named <= known, "write the form in api/transport/refused/forms.py"


def test_errors_of_our_own_take_no_code_of_the_library() -> None:
    own = {
        node.args[0].value
        for file in API.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "PydanticCustomError"
        and isinstance(node.args[0], ast.Constant)
    }

    assert own
    assert own & LIBRARY == set(), f"raise {PydanticKnownError.__name__}: its words are known"
