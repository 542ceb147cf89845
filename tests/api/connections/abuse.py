"""Bodies, JSON and HTTP as no client should send them, and by which status each is refused.

``$KEY`` is an API key that may do everything. Where a status is None the connection ends.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HOST: Final = b"Host: localhost\r\n"
KEY: Final = b"X-API-Key: $KEY\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
CUSTOMERS: Final = b"/api/v1/customers"
EVENT: Final = b"/api/v1/usage"
BATCH: Final = b"/api/v1/usage/batch"
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Abuse:
    """What is sent, in pieces, and the statuses that are a clear refusal of it."""

    sent: Sequence[bytes]
    statuses: tuple[int | None, ...]


def refused(*statuses: int | None, sent: bytes | Sequence[bytes]) -> Abuse:
    return Abuse(sent=[sent] if isinstance(sent, bytes) else sent, statuses=statuses)


def head(line: bytes, *headers: bytes, key: bytes = KEY) -> bytes:
    """A head with a key and these headers."""
    return line + b" HTTP/1.1\r\n" + HOST + key + b"".join(h + b"\r\n" for h in headers) + b"\r\n"


def post(
    body: bytes, path: bytes = CUSTOMERS, *headers: bytes, kind: bytes = b"application/json"
) -> bytes:
    """A body as it is, with its true length."""
    length = b"Content-Length: %d" % len(body)
    return head(b"POST " + path, b"Content-Type: " + kind, length, *headers) + body


def named(value: bytes) -> bytes:
    """A customer whose name is this JSON."""
    return b'{"name":' + value + b',"email":"a@harbor.test"}'


def used(quantity: bytes) -> bytes:
    """An event of this quantity."""
    return b'{"meter_name":"api_calls","customer_external_id":"a","quantity":' + quantity + b"}"


def bomb(mebibytes: int) -> bytes:
    """So many MiB of spaces, packed."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b" " * MEBIBYTE) for _ in range(mebibytes)]
    return b"".join([*parts, packer.flush()])


def packed(body: bytes) -> bytes:
    return post(body, BATCH, b"Content-Encoding: gzip")


def chunked(*chunks: bytes, path: bytes = CUSTOMERS) -> bytes:
    """A chunked body, as it is written here."""
    return head(b"POST " + path, JSON.strip(), b"Transfer-Encoding: chunked") + b"".join(chunks)


DEEP: Final = 100_000

JSON_ABUSE: Final[Mapping[str, Abuse]] = {
    "arrays 100,000 deep": refused(422, sent=post(b"[" * DEEP)),
    "closed arrays 100,000 deep": refused(422, sent=post(named(b"[" * DEEP + b"]" * DEEP))),
    "objects 50,000 deep": refused(422, sent=post(b'{"a":' * 50_000)),
    "a deep event": refused(422, sent=post(used(b"[" * DEEP + b"]" * DEEP), EVENT)),
    "a deep batch": refused(422, sent=post(b"[" * DEEP + b"]" * DEEP, BATCH)),
    "a free-form object 50 deep": refused(
        422, sent=post(b'{"name":"a","metadata":' + b'{"a":' * 50 + b"1" + b"}" * 51)
    ),
    "a key twice": refused(422, sent=post(b'{"name":"a","name":"b","email":"a@b.test"}')),
    "a key twice in an event": refused(422, sent=post(b'{"quantity":1,"quantity":2}', EVENT)),
    "a key twice, once escaped": refused(
        422, sent=post(rb'{"name":"a","n\u0061me":"b","email":"a@b.test"}')
    ),
    "NaN": refused(422, sent=post(named(b"NaN"))),
    "a quantity of NaN": refused(422, sent=post(used(b"NaN"), EVENT)),
    "an infinite quantity": refused(422, sent=post(used(b"-Infinity"), EVENT)),
    "a quantity of NaN as text": refused(422, sent=post(used(b'"NaN"'), EVENT)),
    "a number of a million digits": refused(422, sent=post(used(b"1" * 1_000_000), EVENT)),
    "a number of 5,000 digits": refused(422, sent=post(named(b"9" * 5000))),
    "an exponent of a billion": refused(422, sent=post(used(b"1e1000000000"), EVENT)),
    "an exponent of minus a billion": refused(422, sent=post(used(b"1e-1000000000"), EVENT)),
    "an exponent too long to be a number": refused(422, sent=post(used(b"1e" + b"9" * 400), EVENT)),
    "the same in a name": refused(422, sent=post(named(b"1e" + b"9" * 400))),
    "the same in a batch": refused(
        200, 422, sent=post(b"[" + used(b"1e" + b"9" * 400) + b"]", BATCH)
    ),
    "an exponent as text": refused(422, sent=post(used(b'"1e999999"'), EVENT)),
    "half a surrogate pair": refused(422, sent=post(named(rb'"a\ud800b"'))),
    "a surrogate pair the wrong way round": refused(422, sent=post(named(rb'"\udc00\ud800"'))),
    "half a surrogate pair in a batch": refused(
        200, 422, sent=post(b"[" + used(rb'"\ud800"') + b"]", BATCH)
    ),
    "NUL, escaped": refused(422, sent=post(named(rb'"a\u0000b"'))),
    "NUL, raw": refused(422, sent=post(named(b'"a\x00b"'))),
    "a byte order mark": refused(422, sent=post(b"\xef\xbb\xbf" + named(b'"Harbor"'))),
    "UTF-16": refused(422, sent=post('{"name":"Harbor"}'.encode("utf-16"))),
    "UTF-32": refused(422, sent=post('{"name":"Harbor"}'.encode("utf-32"))),
    "Latin-1 that says so": refused(
        415, 422, sent=post(named(b'"Caf\xe9"'), kind=b"application/json; charset=iso-8859-1")
    ),
    "overlong UTF-8": refused(422, sent=post(named(b'"\xc0\xaf"'))),
    "surrogates in UTF-8": refused(422, sent=post(named(b'"\xed\xa0\x80"'))),
    "two documents": refused(422, sent=post(named(b'"a"') + named(b'"b"'))),
    "a comment": refused(422, sent=post(b"/* a */" + named(b'"a"'))),
    "a trailing comma": refused(422, sent=post(b'{"name":"a",}')),
    "control characters": refused(422, sent=post(named(b'"a\x01\nb"'))),
    "a prototype": refused(422, sent=post(b'{"__proto__":{"a":1},"name":"a"}')),
    "a name of a mebibyte": refused(413, sent=post(named(b'"' + b"a" * MEBIBYTE + b'"'))),
    "a key of half a mebibyte": refused(422, sent=post(b'{"' + b"a" * 500_000 + b'":1}')),
    "a hundred thousand keys": refused(
        422, sent=post(b"{" + b",".join(b'"a%d":1' % n for n in range(80_000)) + b"}")
    ),
    "10,001 rows": refused(413, sent=post(b"[" + b",".join([b"{}"] * 10_001) + b"]", BATCH)),
    "rows that are no objects": refused(200, 422, sent=post(b"[1,null,[]]", BATCH)),
}

BODY_ABUSE: Final[Mapping[str, Abuse]] = {
    "a bomb of a gibibyte": refused(413, sent=packed(bomb(1024))),
    "a bomb in a bomb": refused(415, 422, sent=packed(gzip.compress(bomb(256)))),
    "half a gzip": refused(422, sent=packed(gzip.compress(b"[" + used(b"1") + b"]")[:-9])),
    "a gzip with a wrong sum": refused(
        422, sent=packed(gzip.compress(b"[]", mtime=0)[:-8] + b"\0" * 8)
    ),
    "a gzip and something behind it": refused(422, sent=packed(gzip.compress(b"[]") + b"abc")),
    "plain, and said to be gzip": refused(422, sent=packed(b"[]")),
    "packed twice, as the header says": refused(
        415, 422, sent=post(b"x", BATCH, b"Content-Encoding: gzip, gzip")
    ),
    "an encoding nobody knows": refused(415, 422, sent=post(b"x", BATCH, b"Content-Encoding: br")),
    "packed where nothing may be": refused(
        415, sent=post(gzip.compress(b"{}"), CUSTOMERS, b"Content-Encoding: gzip")
    ),
    "100 MB announced": refused(
        413, sent=head(b"POST " + CUSTOMERS, JSON.strip(), b"Content-Length: 104857600")
    ),
    "100 MB of a batch announced": refused(
        413, sent=head(b"POST " + BATCH, JSON.strip(), b"Content-Length: 104857600")
    ),
    "a mebibyte and more in chunks": refused(
        413, sent=[chunked(), *[b"10000\r\n" + b" " * 65536 + b"\r\n"] * 18]
    ),
    "a form": refused(415, sent=post(b"name=a", kind=b"application/x-www-form-urlencoded")),
    "no content type": refused(415, sent=head(b"POST " + CUSTOMERS, b"Content-Length: 2") + b"{}"),
    "text that is JSON": refused(415, sent=post(b"{}", kind=b"text/plain")),
    "a multipart body": refused(415, sent=post(b"--x--", kind=b"multipart/form-data; boundary=x")),
    "lines where an array is said": refused(422, sent=post(b"{}\n{}\n", BATCH)),
}

HTTP_ABUSE: Final[Mapping[str, Abuse]] = {
    "a length and chunks": refused(
        400,
        sent=head(
            b"POST " + CUSTOMERS, JSON.strip(), b"Content-Length: 4", b"Transfer-Encoding: chunked"
        )
        + b"0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n",
    ),
    "chunks and a length": refused(
        400,
        sent=head(
            b"POST " + CUSTOMERS, JSON.strip(), b"Transfer-Encoding: chunked", b"Content-Length: 4"
        )
        + b"0\r\n\r\n",
    ),
    "two lengths": refused(
        400,
        sent=head(b"POST " + CUSTOMERS, b"Content-Length: 2", b"Content-Length: 40") + b"{}",
    ),
    "a negative length": refused(400, sent=head(b"POST " + CUSTOMERS, b"Content-Length: -1")),
    "a length with a sign": refused(
        400, sent=head(b"POST " + CUSTOMERS, b"Content-Length: +2") + b"{}"
    ),
    "a hexadecimal length": refused(
        400, sent=head(b"POST " + CUSTOMERS, b"Content-Length: 0x2") + b"{}"
    ),
    "a length of 30 digits": refused(
        400, 413, sent=head(b"POST " + CUSTOMERS, b"Content-Length: " + b"9" * 30)
    ),
    "an encoding of a transfer that is not chunks": refused(
        400, sent=head(b"POST " + CUSTOMERS, b"Transfer-Encoding: gzip") + b"x"
    ),
    "chunks, obfuscated": refused(
        400,
        sent=head(b"POST " + CUSTOMERS, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    ),
    "chunks by a header with a space": refused(
        400, sent=head(b"POST " + CUSTOMERS, b"Transfer-Encoding : chunked") + b"0\r\n\r\n"
    ),
    "a chunk whose size is none": refused(400, sent=chunked(b"zz\r\n{}\r\n0\r\n\r\n")),
    "a chunk size that overflows": refused(400, sent=chunked(b"f" * 20 + b"\r\n{}\r\n")),
    "a chunk longer than it says": refused(400, sent=chunked(b"2\r\n{}{}\r\n0\r\n\r\n")),
    "a folded header": refused(
        400, sent=b"GET /livez HTTP/1.1\r\n" + HOST + b"X-A: b\r\n c\r\n\r\n"
    ),
    "a header without a colon": refused(400, sent=b"GET /livez HTTP/1.1\r\nnonsense\r\n\r\n"),
    "NUL in a header": refused(400, sent=b"GET /livez HTTP/1.1\r\nX-A: a\x00b\r\n\r\n"),
    "a bare carriage return in a header": refused(
        400, sent=b"GET /livez HTTP/1.1\r\nX-A: a\rX-B: c\r\n\r\n"
    ),
    "a line that ends by a line feed alone": refused(400, sent=b"GET /livez HTTP/1.1\nHost: x\n\n"),
    "10,000 headers": refused(
        431, sent=b"GET /livez HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(10_000))
    ),
    "200 headers": refused(
        431, sent=head(b"GET /livez", *(b"X-%d: a" % number for number in range(200)))
    ),
    "a header of a mebibyte": refused(
        431, sent=[b"GET /livez HTTP/1.1\r\nX-A: ", *[b"a" * 65536] * 16]
    ),
    "a header of 70 KiB, whole": refused(431, sent=head(b"GET /livez", b"X-A: " + b"a" * 70_000)),
    "a name of a header of 100 KiB": refused(
        431, sent=head(b"GET /livez", b"a" * 100_000 + b": b")
    ),
    "an address of 20 KiB": refused(414, sent=head(b"GET /" + b"a" * 20_000)),
    "an address of a mebibyte": refused(
        414, 431, sent=[b"GET /", *[b"a" * 65536] * 16, b" HTTP/1.1\r\n\r\n"]
    ),
    "a thousand parameters": refused(
        422,
        sent=head(b"GET " + CUSTOMERS + b"?" + b"&".join(b"a%d=b" % n for n in range(1000))),
    ),
    "a parameter twice": refused(422, sent=head(b"GET " + CUSTOMERS + b"?page=1&page=2")),
    "a parameter with brackets": refused(422, sent=head(b"GET " + CUSTOMERS + b"?page[$gt]=1")),
    "no HTTP at all": refused(400, sent=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "the preface of HTTP/2": refused(400, 505, sent=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/3.7": refused(400, 505, sent=b"GET /livez HTTP/3.7\r\n\r\n"),
    "HTTP/0.9": refused(400, sent=b"GET /livez\r\n\r\n"),
    "TRACE": refused(405, sent=head(b"TRACE " + CUSTOMERS)),
    "CONNECT": refused(400, 405, sent=head(b"CONNECT example.com:443")),
    "an asterisk": refused(400, 404, 405, sent=head(b"OPTIONS *")),
    "PROPFIND": refused(405, sent=head(b"PROPFIND " + CUSTOMERS)),
    "a method that nobody has": refused(400, 405, sent=head(b"STEAL " + CUSTOMERS)),
    "a method in small letters": refused(400, 405, sent=head(b"get " + CUSTOMERS)),
    "DELETE by an overriding header": refused(
        422, sent=post(b"{}", CUSTOMERS, b"X-HTTP-Method-Override: DELETE")
    ),
    "DELETE by a parameter": refused(422, sent=post(b"{}", CUSTOMERS + b"?_method=DELETE")),
    "a path out of the root": refused(404, sent=head(b"GET /../../etc/passwd")),
    "a path out of the root, encoded": refused(
        404, sent=head(b"GET /api/v1/..%2f..%2f..%2fetc%2fpasswd")
    ),
    "a path out of the root, encoded twice": refused(
        404, 422, sent=head(b"GET /api/v1/customers/%252e%252e%252fadmin")
    ),
    "a dot segment behind a name": refused(
        404, 422, sent=head(b"GET /api/v1/customers/../invoices/..")
    ),
    "overlong dots in a path": refused(404, 422, sent=head(b"GET /%c0%ae%c0%ae/etc/passwd")),
    "a half escape in a path": refused(404, 422, sent=head(b"GET /api/v1/customers/%zz")),
    "NUL in a path": refused(422, sent=head(b"GET /api/v1/customers/a%00.json")),
    "a line feed in a path": refused(404, 422, sent=head(b"GET /api/v1/customers/a%0d%0aX-B:%20c")),
    "raw bytes in a path": refused(400, sent=head(b"GET /api/v1/\xff\xfe")),
    "a space in a path": refused(400, sent=head(b"GET /api/v1/a b")),
    "an absolute address of another host": refused(
        404, sent=head(b"GET http://169.254.169.254/latest/meta-data")
    ),
    "a backslash": refused(404, sent=head(b"GET /api\\v1\\customers")),
}
"""Without a body, or with one that HTTP does not allow."""
