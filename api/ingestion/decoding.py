"""Bodies of the ingestion routes: bounded, unpacked, and read row by row."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec
from starlette.requests import Request

from api.transport.body_limits import read_within
from api.transport.exact_json import unreadable_number
from api.transport.unique_keys import require_unique_keys
from billing.errors import BillingError, InvalidInput, TooLarge
from services.ingestion.event_input import EventReport

MOST_BODY_BYTES: Final = 1024 * 1024
MOST_BATCH_BYTES: Final = 16 * 1024 * 1024
MOST_UNPACKED_BYTES: Final = 64 * 1024 * 1024
MOST_ROWS: Final = 10_000

_decode_row = msgspec.json.Decoder(EventReport, float_hook=Decimal).decode
_decode_rows = msgspec.json.Decoder(list[EventReport], float_hook=Decimal).decode
_split_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_PLACE: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")


async def read_body(request: Request, *, most: int) -> bytes:
    """The body, unpacked if it is gzip.

    Raises TooLarge beyond ``most`` bytes, or 64 MiB unpacked; InvalidInput for another encoding.
    """
    declared = request.headers.get("content-length")
    body = await read_within(request.stream(), declared=declared, limit=most)
    match request.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            return body
        case "gzip" | "x-gzip":
            return await asyncio.to_thread(_unpack, body)
    raise InvalidInput("Send the body plain or as gzip.", code="unsupported_encoding")


def read_report(body: bytes) -> EventReport:
    """One event. Raises InvalidInput with the field to blame."""
    row = _read_row(body)
    if isinstance(row, BillingError):
        raise row
    return row


def read_array(body: bytes) -> Sequence[EventReport | BillingError]:
    """The rows of a JSON array; an error stands for a row that cannot be read.

    Raises InvalidInput for what is no array of events at all, TooLarge beyond 10,000 rows.
    """
    try:
        rows: Sequence[EventReport | BillingError] = _decode_all(body)
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        InvalidOperation,
        InvalidInput,
    ):
        rows = [_read_row(bytes(row)) for row in _split(body)]
    return _bounded(rows)


def read_lines(body: bytes) -> Sequence[EventReport | BillingError]:
    """The rows of newline-delimited JSON, blank lines left out. Raises as :func:`read_array`."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MOST_ROWS:
        raise _too_many()
    return _bounded([_read_row(line) for line in lines])


def _decode_all(body: bytes) -> Sequence[EventReport]:
    rows = _decode_rows(body)
    require_unique_keys(body, rows)
    return rows


def _split(body: bytes) -> Sequence[msgspec.Raw]:
    try:
        return _split_rows(body)
    except msgspec.ValidationError as error:
        raise InvalidInput("The body must be an array of events.", code="invalid_body") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json() from error


def _bounded(
    rows: Sequence[EventReport | BillingError],
) -> Sequence[EventReport | BillingError]:
    if not rows:
        raise InvalidInput("The batch is empty.", code="empty_batch")
    if len(rows) > MOST_ROWS:
        raise _too_many()
    return rows


def _read_row(row: bytes) -> EventReport | BillingError:
    try:
        report = _decode_row(row)
        require_unique_keys(row, (report,))
    except InvalidInput as error:
        return error
    except InvalidOperation:
        return unreadable_number()
    except msgspec.ValidationError as error:
        return _invalid_field(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _not_json()
    except RecursionError:
        return InvalidInput("The event nests too deeply.", code="too_deep", field="properties")
    return report


def _invalid_field(message: str) -> InvalidInput:
    unknown = _UNKNOWN.search(message)
    if unknown is not None:
        field = unknown.group(1)
        return InvalidInput(f"{field} is not a field here.", code="unknown_field", field=field)
    place = _PLACE.search(message)
    # Inside free-form data msgspec names no place.
    field = place.group(1).partition("[")[0] if place is not None else ""
    reason = _PLACE.sub("", message)
    return InvalidInput(
        f"{field or 'The event'}: {reason}.", code="invalid_type", field=field or None
    )


def _unpack(body: bytes) -> bytes:
    unpacked = bytearray()
    rest = body
    try:
        while rest:
            stream = zlib.decompressobj(wbits=31)
            unpacked += stream.decompress(rest, MOST_UNPACKED_BYTES + 1 - len(unpacked))
            if len(unpacked) > MOST_UNPACKED_BYTES:
                raise _too_large(MOST_UNPACKED_BYTES)
            if not stream.eof:
                raise InvalidInput("The gzip body is cut off.", code="invalid_gzip")
            rest = stream.unused_data
    except zlib.error as error:
        raise InvalidInput("The body is not gzip.", code="invalid_gzip") from error
    return bytes(unpacked)


def _not_json() -> InvalidInput:
    return InvalidInput("The body is not valid JSON.", code="invalid_json")


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body may have at most {most} bytes.", code="body_too_large")


def _too_many() -> TooLarge:
    return TooLarge(f"A batch may have at most {MOST_ROWS} events.", code="too_many_rows")
