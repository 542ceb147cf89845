"""Ready questions to the Temporal Web UI, as addresses that open with their answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

TONIGHT: Final = timedelta(hours=24)


def link_questions(ui_url: str, *, namespace: str, now: datetime) -> list[tuple[str, str]]:
    """The Web UI, what closes within 24 hours, and what needs somebody's attention."""
    home = f"{ui_url.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows"
    ends = f'PeriodEnd BETWEEN "{_instant(now)}" AND "{_instant(now + TONIGHT)}"'
    questions = {
        "Temporal UI": "",
        "Closes tonight": ends,
        "Stuck": "NeedsAttention = true",
    }
    return [
        (name, f"{home}?query={quote(query, safe='')}" if query else ui_url)
        for name, query in questions.items()
    ]


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
