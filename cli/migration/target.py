"""An organization that an export is brought into, through the public API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cli.events.journal import encode
from cli.events.sending import BUSY, asked_pause, detail_of
from cli.migration.wanted import Body, NoCounterpart
from cli.output import Refusal

if TYPE_CHECKING:
    from httpx2 import Response

NOT_ALLOWED = (401, 403)


class Target:
    """Looks things up, and makes what is missing, or would.

    *Idempotent by:* natural keys, looked up before anything is made; what was made in between by
    somebody else is refused by the API and noted.
    """

    def __init__(self, api_url: str, api_key: str, *, is_rehearsal: bool) -> None:
        from httpx2 import Client

        self.is_rehearsal = is_rehearsal
        self.client = Client(
            base_url=api_url,
            timeout=60,
            trust_env=False,
            headers={"X-API-Key": api_key, "Content-Type": "application/json"},
        )

    def find(self, collection: str, key: str) -> Body | None:
        """The thing of this natural key, or None."""
        answer = self._send("GET", f"/{collection}/{quote(key, safe='')}")
        return None if answer.status_code == 404 else self._read(answer)

    def list(self, path: str, **query: str) -> Iterator[Body]:
        """Everything of a list, page by page."""
        page, pages = 0, 1
        while page < pages:
            page += 1
            parameters = {"page": str(page), "page_size": "100", **query}
            answer = self._read(self._send("GET", path, params=parameters))
            pages = answer["meta"]["total_pages"]
            yield from answer["data"]

    def make(self, path: str, body: object) -> Body:
        """What was made. Raises NoCounterpart in the API's words if it is refused."""
        return self._read(self._send("POST", path, content=encode(body)))

    def _read(self, answer: Response) -> Body:
        if answer.status_code in NOT_ALLOWED:
            raise Refusal(
                f"The API refuses the key: {detail_of(answer)} Name one with the scope"
                " billing.write, and usage.write where the export holds events."
            )
        if not answer.is_success:
            raise NoCounterpart(f"refused: {detail_of(answer)}")
        found: Body = json.loads(answer.text, parse_float=Decimal)
        return found

    def _send(self, method: str, path: str, **options: Any) -> Response:  # noqa: ANN401  the client's own
        """The answer, however often it takes while the service is busy or away."""
        from httpx2 import TransportError

        for pause in (0.5, 1.0, 2.0, 5.0, 10.0, None):
            try:
                answer = self.client.request(method, path, **options)
            except TransportError as error:
                trouble = str(error)
                asked = pause
            else:
                if answer.status_code not in BUSY:
                    return answer
                trouble = detail_of(answer)
                asked = asked_pause(answer, pause or 0)
            if pause is not None:
                time.sleep(asked or pause)
        raise Refusal(f"The API is busy or away ({trouble}). Run the same command later to go on.")
