"""What no ingestion route takes: hundreds of values, as the JSON text that carries them."""

from __future__ import annotations

import json
from dataclasses import dataclass

NINES = "9" * 31
DEEP = '{"a":' * 9 + "1" + "}" * 9
DEEP_LIST = '{"a":' + "[" * 9 + "]" * 9 + "}"
ABYSS = '{"a":' + "[" * 20_000 + "]" * 20_000 + "}"
MANY_KEYS = json.dumps({f"key_{number}": number for number in range(51)})
WIDE = json.dumps({"text": "x" * 33_000})
WIDE_BY_PARTS = json.dumps({f"key_{number}": "y" * 1_000 for number in range(40)})

QUANTITIES = (
    # No numbers at all.
    *("true", "false", "[]", "{}", "[1]", '{"value":1}', "[[]]", '""', '" "', '"\\t"', '"\\n"'),
    *('"abc"', '"NaN"', '"nan"', '"sNaN"', '"Infinity"', '"-Infinity"', '"inf"', '"1_000"'),
    *('"1,5"', '"1,000"', '"0x10"', '"0b1"', '"0o7"', '"1e"', '"e1"', '"."', '"+"', '"-"'),
    *('"--1"', '"+-1"', '"1-"', '"1 2"', '"1.2.3"', '"1.."', '"..1"', '"$1"', '"1€"', '"１"'),
    *('"٣"', '"½"', '"²"', '"Ⅷ"', '"一"', '"1e１"', '"1d5"', '"1f"', '"1L"', '"None"', '"null"'),
    *('"true"', '"\\u0000"', '"1\\u0000"', '"\\u200b1"', '"1; DROP TABLE usage_event"', '"{1}"'),
    *('"0,1"', '"1/2"', '"10%"', '"1e5e5"', '"(1)"', '"1e+"', '"1e-"', '"#"', '"1e 5"'),
    # Numbers that are too large, too fine, or outside what a SUM takes.
    *("0", "-0", "0.0", "-0.0", "0e0", "-1", "-0.5", "-1e-20", '"0"', '"-0"', '"-1"', '"0.000"'),
    *("1e30", "1e31", "1e308", "1e309", "1e999", "-1e308", "1e-21", "1e-31", "1e-308", "5e-324"),
    *(NINES, f"{NINES}.5", f"-{NINES}", f'"{NINES}"', "9" * 40, "9" * 300, "9" * 5_000),
    *("0." + "0" * 20 + "1", "1." + "1" * 21, '"' + "0." + "1" * 21 + '"', "1." + "0" * 20 + "1"),
    *('"1e30"', '"1e400000"', '"1e-400000"', '"1e999999999"', "1e400000", "1e-400000", "1e99999"),
    *('"' + "1" * 100_000 + '"', '"' + "9" * 31 + '"', '"1e-21"', '"' + " " * 300 + '"'),
)

TIMESTAMPS = (
    *("0", "1", "-1", "1772000000", "1772000000000", "1.5", "true", "false", "[]", "{}", "[2026]"),
    *('""', '" "', '"now"', '"yesterday"', '"0"', '"1772000000"', '"2026"', '"2026-02"'),
    *('"2026-13-01T00:00:00Z"', '"2026-00-01T00:00:00Z"', '"2026-02-30T00:00:00Z"'),
    *('"2025-02-29T00:00:00Z"', '"2026-01-32T00:00:00Z"', '"2026-01-01T25:00:00Z"'),
    *('"2026-01-01T00:60:00Z"', '"2026-01-01T00:00:61Z"', '"2026-01-01T00:00:00+99:00"'),
    *('"2026-01-01T00:00:00+24:01"', '"2026-01-01T00:00:00 UTC"', '"01/02/2026"'),
    *('"2026/01/01"', '"1 January 2026"', '"Thu, 01 Jan 2026 00:00:00 GMT"', '"2026-01-01T"'),
    *('"T00:00:00Z"', '"00:00:00"', '"-2026-01-01T00:00:00Z"', '"+2026-01-01T00:00:00Z"'),
    *('"0000-01-01T00:00:00Z"', '"10000-01-01T00:00:00Z"', '"2026-01-01T00:00:00Zulu"'),
    *('"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-23:59"', '"2026-01-01T00:00:00ZZ"'),
    *('"\\u0000"', '"2026-01-01T00:00:00Z\\u0000"', '"２０２６-01-01T00:00:00Z"', '"infinity"'),
    *('"-infinity"', '"epoch"', '"today"', '"' + "2" * 100_000 + '"', '"2026-01-01T00:00:00Z; --"'),
    # Later than five minutes from now, which is 2026-03-02T08:00:00Z.
    *('"2026-03-02T08:05:00.000001Z"', '"2026-03-02T08:05:01Z"', '"2026-03-02T08:06:00Z"'),
    *('"2026-03-02T10:06:00+02:00"', '"2026-03-03T00:00:00Z"', '"2027-01-01T00:00:00Z"'),
    *('"9999-12-31T23:59:59Z"', '"2026-03-02T08:05:01"', '"2026-03-03"'),
)

TEXTS = (
    *("1", "0", "1.5", "-1", "true", "false", "[]", "{}", '["a"]', '{"a":"b"}', '""', '" "'),
    *('"\\t"', '"\\n"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00a"', '"\\ud800\\ud800"'),
    *('"' + "x" * 501 + '"', '"' + "ü" * 501 + '"', '"' + "x" * 10_000 + '"', '"\\u00a0"'),
)

IDENTIFIERS = (
    *TEXTS,
    *('"abc"', '"not-a-uuid"', '"00000000-0000-0000-0000-00000000000"', '"1"', '"null"'),
    *('"00000000-0000-0000-0000-0000000000000"', '"zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"'),
    *('"\' OR 1=1 --"', '"../../etc/passwd"', '"{}"', '"%00"'),
    # Well-formed, but nobody's.
    *('"00000000-0000-0000-0000-000000000000"', '"ffffffff-ffff-ffff-ffff-ffffffffffff"'),
    *('"0190f5a0-0000-7000-8000-000000000000"',),
)

METER_NAMES = (*TEXTS, '"nobody"', '"RENDER_MINUTES"', '"render_minutes;"', '"%"', '"_"', '"*"')

FREE_FORM = (
    *("1", "0", "1.5", "true", "false", '""', '"a"', "[]", "[1]", '[{"a":1}]', '"{}"'),
    *(DEEP, DEEP_LIST, ABYSS, MANY_KEYS, WIDE, WIDE_BY_PARTS),
    *('{"a":"\\u0000"}', '{"\\u0000":1}', '{"a":["\\u0000"]}', '{"a":"\\ud800"}', '{"\\ud800":1}'),
    *('{"a":1e400000}', '{"a":1e31}', '{"a":[1e999]}', '{"a":-1e308}', '{"a":1e-400000}'),
    *('{"a":{"b":"\\udfff"}}', '{"a":' + "9" * 40 + "}", '{"a":{"b":[1e-9999]}}'),
)

BODIES = (
    *("", " ", "null", "1", '"text"', "true", "{", "}", "[", "{]", "{'a':1}", "{a:1}", "\x00"),
    *("NaN", "[1]", "[null]", "[[]]", '[""]', '{"quantity":NaN}', '{"quantity":Infinity}'),
    *('{"quantity":-Infinity}', '{"quantity":01}', '{"quantity":.5}', '{"quantity":1.}'),
    *(
        '{"quantity":+1}',
        '{"quantity":0x1}',
        '{"quantity":1,}',
        "{}",
        '{"quantity":1}{}',
        "\ufeff{}",
    ),
    *('{"quantity":1} x', "<xml/>", "quantity=1", "[" * 50_000, '{"a":' * 50_000, '{"\\x":1}'),
)

UNKNOWN_FIELDS = (
    *("organization_id", "id", "ingested_at", "created_at", "arrival_sequence", "counted", "late"),
    *("paused", "voided", "amended", "event_id", "price", "unit_price", "Quantity", "QUANTITY"),
    *("quantity ", "__proto__", "constructor", "$where", "test_clock_id", "status", "total"),
)


@dataclass(frozen=True, slots=True)
class BadValue:
    """A field, the JSON that goes there, and the field that must be blamed."""

    field: str
    json: str

    def __str__(self) -> str:
        return f"{self.field}={self.json[:40]}"


def bad_values() -> list[BadValue]:
    """Every bad value of every field."""
    corpora = {
        "quantity": QUANTITIES,
        "timestamp": TIMESTAMPS,
        "idempotency_key": TEXTS,
        "meter_token": IDENTIFIERS,
        "meter_id": IDENTIFIERS,
        "meter_name": METER_NAMES,
        "customer_id": IDENTIFIERS,
        "customer_external_id": TEXTS,
        "metadata": FREE_FORM,
        **dict.fromkeys(UNKNOWN_FIELDS, ("1", '"x"', "null")),
    }
    return [BadValue(field, text) for field, texts in corpora.items() for text in texts]
