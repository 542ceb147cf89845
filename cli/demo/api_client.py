"""A customer of the public REST API: everything the demo does goes through here."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cli.output import refuse

if TYPE_CHECKING:
    from httpx2 import Response

Json = dict[str, Any]

POLL_SECONDS = 0.1


class ApiClient:
    """Talks to one installation, signed in by the cookies that it was given."""

    def __init__(self, api_url: str) -> None:
        from httpx2 import Client

        self._http = Client(base_url=api_url, timeout=60, trust_env=False)

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """The answer to a POST. Raises Refusal with the API's own words if it was refused."""
        return self._decoded(self._http.post(path, json=dict(body)))

    def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        """The answer to a PATCH. Raises Refusal with the API's own words if it was refused."""
        return self._decoded(self._http.patch(path, json=dict(body)))

    def get(self, path: str, **query: str) -> Json:
        """The answer to a GET. Raises Refusal with the API's own words if it was refused."""
        return self._decoded(self._http.get(path, params=query))

    def get_text(self, path: str) -> str:
        """The plain text behind a path."""
        response = self._http.get(path)
        self._require_success(response)
        return response.text

    def send_events(self, rows: Sequence[Mapping[str, Any]], *, api_key: str) -> Json:
        """Send one batch of usage events, as a backend with an API key does."""
        response = self._http.post(
            "/usage/batch",
            params={"results": "errors"},
            content=json.dumps(rows, separators=(",", ":")).encode(),
            headers={"X-API-Key": api_key, "Content-Type": "application/json"},
        )
        return self._decoded(response)

    def advance_clock(self, clock_id: str, frozen_time: str, *, timeout_seconds: float) -> None:
        """The test clock stands at the time, and all that was due by then has happened."""
        self.post(f"/test-clocks/{clock_id}/advance", {"frozen_time": frozen_time})
        deadline = time.monotonic() + timeout_seconds
        while self.get(f"/test-clocks/{clock_id}")["status"] != "ready":
            if time.monotonic() > deadline:
                refuse(f"The test clock is still advancing after {timeout_seconds:.0f} s.")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Its connections are closed."""
        self._http.close()

    def _decoded(self, response: Response) -> Json:
        self._require_success(response)
        # Money keeps its digits on the way in, too.
        decoded: Json = json.loads(response.text, parse_float=Decimal)
        return decoded

    def _require_success(self, response: Response) -> None:
        if response.is_success:
            return
        request = response.request
        refuse(
            f"{request.method} {request.url} was answered with {response.status_code}: "
            f"{response.text}"
        )
