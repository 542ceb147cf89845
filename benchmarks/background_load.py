"""Who disturbs others: many closes of long-backdated subscriptions, and logins with unknown names.

    python -m benchmarks.background_load <url> <access token> <subscription id>…

A process of its own, so that it takes nothing of who measures but the processors. Until ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from itertools import count
from urllib.parse import urlsplit

from runtime.processes.priority import lower_priority

LOG_INS = 30
HANGS_UP_AFTER_SECONDS = 2.0
PAUSE_SECONDS = 0.25


def main() -> None:
    """Disturb, in turns of the usual length, whatever those are of whoever began this process."""
    lower_priority(0)
    url, token, *subscriptions = sys.argv[1:]
    asyncio.run(disturb(url, token, subscriptions))


async def disturb(url: str, token: str, subscriptions: list[str]) -> None:
    """Every subscription is canceled again and again, and thirty clients log in."""
    authorization = {"Authorization": f"Bearer {token}"}
    cancels = (
        _repeat(url, f"/api/v1/subscriptions/{one}/cancel", authorization, cancel=True)
        for one in subscriptions
    )
    log_ins = (_repeat(url, "/api/v1/auth/login", {}, cancel=False) for _ in range(LOG_INS))
    await asyncio.gather(*cancels, *log_ins)


async def _repeat(url: str, path: str, headers: Mapping[str, str], *, cancel: bool) -> None:
    for number in count():
        body = (
            {"cancel_at_period_end": False}
            if cancel
            else {"email": f"{number}-{id(headers)}@nobody.test", "password": "wrong-horse-9"}
        )
        await _ask_and_hang_up(url, path, headers, json.dumps(body).encode())
        await asyncio.sleep(PAUSE_SECONDS)


async def _ask_and_hang_up(url: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    try:
        async with asyncio.timeout(HANGS_UP_AFTER_SECONDS):
            await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    main()
