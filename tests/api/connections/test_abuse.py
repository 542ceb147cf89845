"""Whatever is sent, the answer is a clear refusal, soon, and takes no memory that is kept."""

from __future__ import annotations

import pytest

from tests.api.connections.abuse import BODY_ABUSE, HTTP_ABUSE, JSON_ABUSE, MEBIBYTE
from tests.api.connections.site import Site

CORPUS = {**JSON_ABUSE, **BODY_ABUSE, **HTTP_ABUSE}
REFUSED_WITHIN_SECONDS = 1.0
"""Of a processor: what is left of it for this process is the machine's to say."""
TAKEN_BYTES = 200 * MEBIBYTE
"""What a gzip of 64 MiB takes for a moment, and half as much again."""


@pytest.mark.parametrize("name", CORPUS)
def test_abuse_is_refused_clearly_and_soon(site: Site, name: str) -> None:
    abuse = CORPUS[name]
    site.forget_peak()
    before, computed = site.memory_bytes("VmRSS"), site.processor_seconds()

    heard = site.say(*(piece.replace(b"$KEY", site.key.encode()) for piece in abuse.sent))

    assert heard.status in abuse.statuses, heard.text[:2000]
    if heard.status is None:
        assert heard.is_closed
    elif heard.status >= 400:
        assert heard.problem.get("code"), heard.text[:2000]
        assert heard.problem["status"] == heard.status
    assert heard.text or heard.is_closed
    assert site.processor_seconds() - computed < REFUSED_WITHIN_SECONDS
    assert site.memory_bytes("VmHWM") - before < TAKEN_BYTES


def test_afterwards_all_is_well(site: Site) -> None:
    key = site.key.encode()
    asked = b"GET /api/v1/customers HTTP/1.1\r\nHost: x\r\nX-API-Key: " + key + b"\r\n\r\n"

    heard = site.say(asked)

    assert heard.status == 200
    assert b'"total":0' in heard.text
    assert "unexpected_error" not in site.log.read_text()
    assert "Traceback" not in site.log.read_text()
