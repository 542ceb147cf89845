"""What a caller reports, and how a report becomes an event of a meter and a customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from billing.date_limits import timestamp_in_future
from billing.errors import InvalidInput
from billing.metering.aggregations import Aggregation, EventValue, read_event_value
from billing.metering.filters import Filter, matches_all
from billing.money import parse_decimal, plain_text, shortest
from billing.texts.names import trimmed
from models.usage.event_ids import EventIds
from repositories.ingestion.references import CustomerName, MeterName
from repositories.ingestion.writer import EventScope, NewEvent

FUTURE_TOLERANCE: Final = timedelta(minutes=5)
LONGEST_TEXT: Final = 500
FREE_FORM_KEYS: Final = 50
FREE_FORM_DEPTH: Final = 8
FREE_FORM_BYTES: Final = 32 * 1024
_HASH_BYTES: Final = 16
_NUL: Final = "\x00"
_PLAIN: Final = 10**15
_PLAIN_VALUED: Final = frozenset(
    one for one in Aggregation if not one.definition.uses_distinct_values
)
_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


class EventReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One usage event in any of its documented forms (CONTRACT 3.7), as it was sent."""

    meter_token: str | None = None
    meter_id: str | None = None
    meter_name: str | None = None
    customer_external_id: str | None = None
    customer_id: str | None = None
    quantity: Any = None
    timestamp: str | None = None
    idempotency_key: str | None = None
    metadata: dict[str, Any] | None = None
    meta_data: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRules:
    """How a meter reads its events."""

    aggregation: Aggregation
    property_name: str | None
    filters: tuple[Filter, ...]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a report names, found: the meter's rules and the customer's present.

    ``clock_time`` is the present of a customer on a test clock, None on the wall's.
    """

    scope: EventScope
    rules: MeterRules
    clock_time: datetime | None


def name_meter(organization: str, report: EventReport) -> MeterName:
    """How the report names its meter. Raises InvalidInput unless it does so in exactly one way."""
    named: list[tuple[str, Literal["id", "token", "name"], str]] = []
    if report.meter_token is not None:
        named.append(("meter_token", "token", report.meter_token))
    if report.meter_id is not None:
        named.append(("meter_id", "id", report.meter_id))
    if report.meter_name is not None:
        named.append(("meter_name", "name", report.meter_name))
    field, kind, value = _only(named, "meter_token, meter_id or meter_name", missing="meter_id")
    if kind == "name":
        return MeterName(organization, kind, _words(value, field))
    return MeterName(organization, kind, _identifier(value, field))


def name_customer(organization: str, report: EventReport) -> CustomerName:
    """How the report names its customer. Raises InvalidInput unless in exactly one way."""
    named: list[tuple[str, Literal["id", "external_id"], str]] = []
    if report.customer_external_id is not None:
        named.append(("customer_external_id", "external_id", report.customer_external_id))
    if report.customer_id is not None:
        named.append(("customer_id", "id", report.customer_id))
    field, kind, value = _only(
        named, "customer_external_id or customer_id", missing="customer_external_id"
    )
    if kind == "external_id":
        return CustomerName(organization, kind, _words(value, field))
    return CustomerName(organization, kind, _identifier(value, field))


def read_event(report: EventReport, target: Target, *, ids: EventIds, now: datetime) -> NewEvent:
    """The event that a report comes to. Raises InvalidInput with the field to blame.

    Source: CONTRACT 12, 19, 44, 66, 73.
    """
    rules = target.rules
    timestamp = read_timestamp(report.timestamp, now, target.clock_time)
    field, properties = _free_form(report)
    document, canonical = _read_free_form(properties, field)
    value = _read_value(report, rules, properties or {}, field)
    quantity = format(value.value, "f")
    return NewEvent(
        scope=target.scope,
        id=ids.next(timestamp),
        timestamp=timestamp,
        quantity=quantity,
        distinct_value=value.distinct_key,
        meta_data=document,
        idempotency_key=_read_key(report.idempotency_key),
        content_hash=_hash_content(target.scope, quantity, canonical),
        counted=not rules.filters or matches_all(rules.filters, properties or {}),
    )


def read_timestamp(text: str | None, now: datetime, clock_time: datetime | None) -> datetime:
    """The instant that was sent, else the customer's present: their test clock's, or the wall's.

    Raises InvalidInput for what is no instant, or lies more than five minutes ahead of it.
    """
    present = clock_time or now
    if text is None:
        return present
    try:
        # What follows a NUL would be passed over.
        instant = datetime.fromisoformat(text.replace(_NUL, "?"))
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            "timestamp must be an ISO 8601 instant.", code="invalid_instant", field="timestamp"
        ) from error
    if instant > present + FUTURE_TOLERANCE:
        raise timestamp_in_future(present, is_test_clock=clock_time is not None)
    return instant


def _only(named: list[tuple[str, Any, str]], choice: str, *, missing: str) -> tuple[str, Any, str]:
    if not named:
        raise InvalidInput(f"The event needs {choice}.", code="missing_field", field=missing)
    if len(named) > 1:
        raise InvalidInput(f"Send only one of {choice}.", code="ambiguous_field", field=named[1][0])
    return named[0]


def _words(value: str, field: str) -> str:
    text = trimmed(value)
    if not text or len(text) > LONGEST_TEXT or _NUL in text:
        raise InvalidInput(
            f"{field} must be 1 to {LONGEST_TEXT} characters.", code="invalid_text", field=field
        )
    return text


def _identifier(value: str, field: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise InvalidInput(f"{field} must be a UUID.", code="invalid_id", field=field) from error


def _read_key(key: str | None) -> str | None:
    return None if key is None else _words(key, "idempotency_key")


def free_form_of(report: EventReport) -> dict[str, Any] | None:
    """The report's free-form object, under whichever of its names it came."""
    return _free_form(report)[1]


def _free_form(report: EventReport) -> tuple[str, dict[str, Any] | None]:
    metadata, meta_data, properties = report.metadata, report.meta_data, report.properties
    if metadata is not None and (meta_data is not None or properties is not None):
        raise _ambiguous("meta_data" if meta_data is not None else "properties")
    if meta_data is not None and properties is not None:
        raise _ambiguous("properties")
    if metadata is not None:
        return "metadata", metadata
    if meta_data is not None:
        return "meta_data", meta_data
    return "properties", properties


def _ambiguous(field: str) -> InvalidInput:
    return InvalidInput(
        "Send only one of metadata, meta_data or properties.", code="ambiguous_field", field=field
    )


def _read_value(
    report: EventReport, rules: MeterRules, properties: dict[str, Any], field: str
) -> EventValue:
    quantity = report.quantity
    if type(quantity) is int and 0 < quantity < _PLAIN and rules.aggregation in _PLAIN_VALUED:
        # By far the most events: a counting number, which every aggregation takes.
        return EventValue(value=Decimal(quantity))
    try:
        return read_event_value(
            rules.aggregation,
            rules.property_name,
            quantity=report.quantity,
            properties=properties,
        )
    except InvalidInput as error:
        named = error.field or "quantity"
        raise InvalidInput(
            error.detail, code=error.code, field=named.replace("properties.", f"{field}.", 1)
        ) from error


def _read_free_form(properties: dict[str, Any] | None, field: str) -> tuple[str | None, bytes]:
    """The JSON to store, and the JSON that equal data share."""
    if properties is None:
        return None, b""
    if len(properties) > FREE_FORM_KEYS:
        raise InvalidInput(
            f"{field} takes at most {FREE_FORM_KEYS} keys.", code="too_many_keys", field=field
        )
    document = _encode(properties)
    has_decimals = False
    if b"\\u0000" in document or not all(map(_is_plain, properties.values())):
        has_decimals = _check(properties, field, depth=1)
    if len(document) > FREE_FORM_BYTES:
        raise InvalidInput(
            f"{field} takes at most {FREE_FORM_BYTES} bytes.", code="too_large", field=field
        )
    canonical = _encode(_normalize(properties)) if has_decimals else document
    return document.decode(), canonical


def _is_plain(value: object) -> bool:
    kind = type(value)
    if kind is int:
        return -_PLAIN < value < _PLAIN  # type: ignore[operator]  # it is an int
    return kind is str or kind is bool or value is None


def _check(value: object, field: str, *, depth: int) -> bool:
    """Whether decimals occur. Raises InvalidInput for what cannot be stored as it is."""
    match value:
        case str():
            if _NUL in value:
                raise InvalidInput(
                    f"{field} holds a NUL character.", code="invalid_text", field=field
                )
            return False
        case None | bool():
            return False
        case int() if -(2**63) <= value < 2**63:
            return False
        case Decimal() | int():
            parse_decimal(value, field=field)
            return True
    if depth > FREE_FORM_DEPTH:
        raise InvalidInput(
            f"{field} nests more than {FREE_FORM_DEPTH} levels.", code="too_deep", field=field
        )
    if isinstance(value, dict):
        # A list, not a generator: every element is checked even after a decimal was found.
        found = [_check(key, field, depth=depth) for key in value]
        found += [_check(one, f"{field}.{key}", depth=depth + 1) for key, one in value.items()]
    elif isinstance(value, list):
        found = [_check(one, f"{field}.{at}", depth=depth + 1) for at, one in enumerate(value)]
    else:
        raise TypeError(f"{type(value).__name__} does not come out of JSON")
    return any(found)


def _normalize(value: object) -> object:
    match value:
        case Decimal():
            return shortest(value)
        case dict():
            return {key: _normalize(one) for key, one in value.items()}
        case list():
            return [_normalize(one) for one in value]
    return value


def _hash_content(scope: EventScope, quantity: str, canonical: bytes) -> str:
    """What equal content shares, the timestamp left out, in hex. Source: CONTRACT 45."""
    value = plain_text(Decimal(quantity)) if "." in quantity else quantity
    content = f"{scope.meter} {scope.customer} {value} ".encode() + canonical
    return blake2b(content, digest_size=_HASH_BYTES).hexdigest()
