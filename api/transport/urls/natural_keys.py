"""Names in paths: wherever a path takes an id, it takes the natural key too (CONTRACT 96).

Whoever opens the transaction of a request gives its path the ids that its names stand for, so that
routes know ids alone and none can forget. A UUID is an id first: it costs no statement, and is
looked for among the names only after nothing was found under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from repositories import natural_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalKey:
    """What a parameter of a path names, and the field that is its name."""

    noun: str
    name: str

    def unknown(self) -> NotFound:
        """Nothing is called so."""
        return unknown(f"{self.noun}_id")


def unknown(parameter: str) -> NotFound:
    """Nothing has the id, or the name, that a parameter of a path sent."""
    noun = parameter.removesuffix("_id")
    words = noun.replace("_", " ").capitalize()
    return NotFound(f"{words} not found.", code=f"{noun}_not_found")


PLAN_FEATURE: Final = "plan_feature_id"

NATURAL_KEYS: Final[Mapping[str, NaturalKey]] = {
    "customer_id": NaturalKey(noun="customer", name="external_id"),
    "plan_id": NaturalKey(noun="plan", name="lookup_id"),
    "feature_id": NaturalKey(noun="feature", name="lookup_key"),
    "meter_id": NaturalKey(noun="meter", name="meter_name"),
    "invoice_id": NaturalKey(noun="invoice", name="invoice_number"),
    PLAN_FEATURE: NaturalKey(noun="plan_feature", name="lookup_key"),
}
"""By the parameter's name; the last is found within its plan, which stands before it."""


class FoundByName(Exception):
    """A UUID in the path is nobody's id but somebody's name: answer again with these ids."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        super().__init__("known by name")
        self.ids = ids


def put_ids(
    session: Session, organization_id: UUID, path_params: dict[str, Any]
) -> Mapping[str, str]:
    """The path has ids where it had names. Raises NotFound for a name of nothing.

    Given back are the texts that were ids already, as they were sent.
    """
    sent_ids = {}
    for parameter in NATURAL_KEYS:
        text = path_params.get(parameter)
        if text is None:
            continue
        found = read_id(text)
        if found is not None:
            sent_ids[parameter] = text
        else:
            found = find_named(session, organization_id, parameter, text, path_params)
        if found is None:
            raise NATURAL_KEYS[parameter].unknown()
        path_params[parameter] = str(found)
    return sent_ids


def look_among_names(
    session: Session,
    organization_id: UUID,
    path_params: Mapping[str, Any],
    sent_ids: Mapping[str, str],
    error: NotFound,
) -> None:
    """Return if the id that was not found is nothing's name either. Raises FoundByName."""
    for parameter, text in sent_ids.items():
        if error.code == NATURAL_KEYS[parameter].unknown().code:
            found = find_named(session, organization_id, parameter, text, path_params)
            if found is not None:
                raise FoundByName({parameter: str(found)}) from error


def read_id(text: str) -> UUID | None:
    """The UUID that a text is, in any of its spellings, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def find_named(
    session: Session,
    organization_id: UUID,
    parameter: str,
    text: str,
    path_params: Mapping[str, Any],
) -> UUID | None:
    """Whatever a parameter of the path calls by this name, or None."""
    if parameter != PLAN_FEATURE:
        return natural_keys.FIND[NATURAL_KEYS[parameter].noun](session, organization_id, text)
    plan_id = UUID(path_params["plan_id"])
    return natural_keys.find_plan_feature_id(session, organization_id, plan_id, text)
