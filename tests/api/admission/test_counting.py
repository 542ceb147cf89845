"""What counts everything there ever was does so one after the other, and nobody is sent away."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from api.app import create_app
from api.context import AppContext
from services.usage import reports
from tests.api.people import Person
from tests.api.sold import add_feature

EIGHT = 8


async def test_eight_who_count_at_once_take_turns(
    context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(context)
    owner = await asyncio.to_thread(Person(app).sign_up)
    sold = await asyncio.to_thread(add_feature, owner)
    counting, most, lock = 0, 0, threading.Lock()
    count = reports.query_meter_statistics

    def count_slowly(*given: Any, **named: Any) -> reports.MeterStatistics:
        nonlocal counting, most
        with lock:
            counting += 1
            most = max(most, counting)
        time.sleep(0.05)
        with lock:
            counting -= 1
        return count(*given, **named)

    monkeypatch.setattr(reports, "query_meter_statistics", count_slowly)
    path = f"/api/v1/meters/{sold['meter']['id']}/stats"
    headers = {"Authorization": f"Bearer {owner.cookies['access_token']}"}

    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        answers = await asyncio.gather(*(client.get(path, headers=headers) for _ in range(EIGHT)))

    assert [one.status_code for one in answers] == [200] * EIGHT
    assert most == 1
