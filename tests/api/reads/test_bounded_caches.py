"""What a process keeps of answers is bounded: the oldest is forgotten, and nothing else with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from api.access import key_cache
from api.access.key_cache import KeyCache
from api.access.principal import Principal
from api.reads import body_cache, verdicts
from api.reads.body_cache import BodyCache
from api.reads.verdicts import FAILED_FOR, VerdictCache
from billing.errors import Unavailable
from services.receipts.verdicts import Verdict

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def verdict_at(at: datetime) -> Verdict:
    return Verdict(
        invoice_number="INV-2026-0001",
        total="5",
        currency="USD",
        inputs_digest=None,
        lines_digest=None,
        signature=None,
        verdict="equal",
        recomputed=True,
        void=False,
        checked_at=at,
    )


def test_one_key_more_than_are_known_forgets_the_first_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_cache, "MOST_KEYS", 3)
    known = KeyCache(clock=lambda: 100.0)
    principals = {f"hash-{number}": Principal(organization_id=uuid4()) for number in range(4)}

    for shown, principal in principals.items():
        known.put(shown, principal, revocations=known.revocations)

    found = {shown for shown, principal in principals.items() if known.find(shown) is principal}
    assert found == {"hash-1", "hash-2", "hash-3"}


def test_a_revoked_session_is_forgotten_and_its_neighbors_are_not() -> None:
    known = KeyCache(clock=lambda: 100.0)
    one, other = (Principal(organization_id=uuid4(), session_id=uuid4()) for _ in range(2))
    known.put("one", one, revocations=known.revocations)
    known.put("other", other, revocations=known.revocations)

    assert one.session_id is not None
    known.forget(one.session_id)

    assert (known.find("one"), known.find("other")) == (None, other)


def test_a_body_is_good_for_the_very_answer_that_it_was_written_of() -> None:
    bodies = BodyCache()
    answer, equal = [1], [1]

    bodies.put("question", answer, b"[1]")

    assert (bodies.find("question", answer), bodies.find("question", equal)) == (b"[1]", None)


def test_a_body_that_is_written_again_is_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_cache, "MOST_BODIES", 2)
    bodies, answer = BodyCache(), object()

    for question in ("first", "second", "first", "third"):
        bodies.put(question, answer, question.encode())

    found = [bodies.find(one, answer) for one in ("first", "second", "third")]
    assert found == [b"first", None, b"third"]


def test_verdicts_and_failures_are_bounded_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MOST_KEPT", 2)
    kept = VerdictCache()
    receipts = [UUID(int=number) for number in range(3)]

    for receipt in receipts:
        kept.keep(receipt, verdict_at(NOW))
    kept.keep_failure(UUID(int=9), now=NOW)

    assert [kept.find(one, now=NOW) is not None for one in receipts] == [False, True, True]
    with pytest.raises(Unavailable):
        kept.find(UUID(int=9), now=NOW + FAILED_FOR - timedelta(seconds=1))
    assert kept.find(UUID(int=9), now=NOW + FAILED_FOR) is None
