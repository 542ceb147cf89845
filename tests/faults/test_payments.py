"""Never twice, in small: ``make payments COUNT=10000`` is the same at large."""

from __future__ import annotations

from tests.faults.payments.proof import prove


def test_payments_are_made_once_while_each_process_is_killed() -> None:
    report = prove(12, 19, lambda _done, _count, _words: None, is_small=True)

    assert report.differences == []
    assert report.kills == {"worker": 1, "api": 1, "postgres": 1}
    assert report.figures["charged by us at the gateway"] > 0
    assert report.figures["invoices charged twice"] == 0
