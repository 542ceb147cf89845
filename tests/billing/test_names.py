"""Names that people give: kept as they are looked for, and never one that no path can hold."""

from __future__ import annotations

import pytest

from billing.texts.names import is_reachable, trimmed, unreachable


@pytest.mark.parametrize("given", ["acme", " acme", "acme\n", "\t acme  "])
def test_space_around_a_name_is_not_part_of_it(given: str) -> None:
    assert trimmed(given) == "acme"


def test_space_within_a_name_is() -> None:
    assert trimmed(" Lumen  Works ") == "Lumen  Works"


@pytest.mark.parametrize("name", [".", ".."])
def test_steps_of_a_path_are_no_names(name: str) -> None:
    assert not is_reachable(name)


@pytest.mark.parametrize("name", ["...", "a.b", ".hidden", "..x", "a/b", ""])
def test_every_other_name_is_reachable(name: str) -> None:
    assert is_reachable(name)


def test_refusal_names_the_field_and_why() -> None:
    refused = unreachable("lookup_key")

    assert (refused.code, refused.field) == ("unreachable_name", "lookup_key")
    assert refused.detail == "lookup_key must not be '.' or '..': no path can hold it."
