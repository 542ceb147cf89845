"""The numbers of a plan's charges as fields of a form, and what is typed there as an edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from billing.money import plain_text

Place = tuple[str | int, ...]
"""Where a number stands in a charge: ``("pricing", "tiers", 1, "unit_price")``."""

PRICED_BY: Final = ("unit_price", "pricing", "group_prices", "minimum", "maximum", "overage_rate")
SENT: Final = (
    *("type", "meter_id", "display_name", "group_by", "included_units", "unit", "shortfall"),
    *PRICED_BY,
)
"""What of a charge makes another one like it."""

INCLUDED: Final = "included_units"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceField:
    """One number of a charge: under which name a form sends it, and what it is now and asked."""

    name: str
    title: str
    place: Place
    value: str
    asked: str

    @property
    def is_changed(self) -> bool:
        """Whether somebody typed another number; an empty field leaves it as it is."""
        return bool(self.asked) and self.asked != self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedCharge:
    """A charge with its numbers as fields."""

    charge: Mapping[str, Any]
    fields: Sequence[PriceField]

    @property
    def changed(self) -> Sequence[PriceField]:
        """The fields with other numbers."""
        return [one for one in self.fields if one.is_changed]

    def proposed(self) -> dict[str, Any]:
        """The charge that would take its place, as the API takes it."""
        made: dict[str, Any] = {
            name: _as_json(self.charge[name]) for name in SENT if self.charge.get(name) is not None
        }
        for one in self.changed:
            _put(made, one.place, one.asked)
        return made


def read_charges(
    charges: Sequence[Mapping[str, Any]], asked: Mapping[str, str]
) -> list[EditedCharge]:
    """The charges of a plan with what was typed into their fields."""
    return [
        EditedCharge(charge=charge, fields=tuple(_fields_of(charge, asked))) for charge in charges
    ]


def write_edit(charges: Sequence[EditedCharge]) -> dict[str, Any] | None:
    """What the API is to try or do: new charges for those with other numbers; None for nothing."""
    changed = [one for one in charges if one.changed]
    if not changed:
        return None
    return {
        "add": [one.proposed() for one in changed],
        "deactivate": [one.charge["id"] for one in changed],
    }


def _fields_of(charge: Mapping[str, Any], asked: Mapping[str, str]) -> Iterator[PriceField]:
    places = [place for name in PRICED_BY for place in _numbers_in(charge.get(name), (name,))]
    if charge["meter_id"] is not None:
        places.append((INCLUDED,))
    for place in places:
        name = ".".join(map(str, ("c", charge["id"], *place)))
        yield PriceField(
            name=name,
            title=_title_of(charge, place),
            place=place,
            value=_written(_at(charge, place)),
            asked=asked.get(name, "").strip(),
        )


def _numbers_in(value: object, place: Place) -> Iterator[Place]:
    match value:
        case bool():
            return
        case int() | Decimal():
            yield place
        case dict():
            for name, inner in value.items():
                yield from _numbers_in(inner, (*place, name))
        case list():
            for number, inner in enumerate(value):
                yield from _numbers_in(inner, (*place, number))


def _title_of(charge: Mapping[str, Any], place: Place) -> str:
    """What a field is called: ``Tier 2, unit price`` or ``large · eu, unit price``."""
    words = []
    for above, step in zip(("", *place), place, strict=False):
        match step:
            case int() if above == "group_prices":
                words.append(" · ".join(charge["group_prices"][step]["values"]))
            case int():
                words.append(f"tier {step + 1}")
            case str() if step not in ("pricing", "tiers", "group_prices"):
                words.append(step.replace("_", " "))
    said = ", ".join(words)
    return said[:1].upper() + said[1:]


def _at(charge: Any, place: Place) -> object:  # noqa: ANN401  (JSON)
    for step in place:
        charge = charge[step]
    return charge


def _put(charge: Any, place: Place, text: str) -> None:  # noqa: ANN401  (JSON)
    *above, last = place
    for step in above:
        charge = charge[step]
    charge[last] = text


def _written(value: object) -> str:
    return "" if value is None else plain_text(Decimal(str(value)))


def _as_json(value: Any) -> Any:  # noqa: ANN401  (JSON)
    """The same with its exact numbers as texts, which the API takes with all their digits."""
    match value:
        case Decimal():
            return plain_text(value)
        case dict():
            return {name: _as_json(inner) for name, inner in value.items()}
        case list():
            return [_as_json(inner) for inner in value]
    return value
