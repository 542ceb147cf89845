"""A worker dies, or an answer is lost, while a kept change is done or a bill is set aside.

Every variant is a subscription of its own whose owner waits on a queue of its own, as in the crash
matrix: the change is done once, and a bill that cannot be made is parked once.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from services.lifecycle import catching_up
from tests.faults.steps.crash_lives import Variant, Workers, create_plan, let_workers_die
from tests.faults.steps.crashes import Crash, Moment, lose_the_connection
from tests.faults.steps.stopped_lives import (
    CANCELED,
    MOVED,
    PARKED,
    Kind,
    check_numbered,
    check_stopped,
    make_stopped,
    retry_all,
)
from tests.faults.steps.test_crash_matrix import product, workers
from tests.scenarios.account import Account
from tests.workflows.kinds import Stage

__all__ = ["product", "workers"]

IS_CHAOS = "FLUXRATE_CHAOS" in os.environ
KINDS = (CANCELED, MOVED, PARKED)


class StoppedLives:
    """The lives of one organization, by kind, and what will happen to their workers."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._plan, self._unreadable_plan, self._other_plan = self._sell(account)
        self.killed = {kind: self._harm(kind, "killed", kind.killed_at) for kind in KINDS}
        self.unanswered = {
            kind: self._harm(kind, "no answer", kind.unanswered_at) for kind in KINDS
        }

    def of(self, *kinds: Kind) -> list[Variant]:
        return [one for kind in kinds for one in (*self.killed[kind], *self.unanswered[kind])]

    def _sell(self, account: Account) -> list[dict[str, Any]]:
        plans = [create_plan(account)]
        [meter] = account.get("/meters")["data"]
        for lookup_id in ("unreadable", "other"):
            plan = account.create_plan(lookup_id)
            account.add_usage_charge(plan, meter["id"], unit_price=1)
            plans.append(plan)
        return plans

    def _harm(self, kind: Kind, harm: str, moments: tuple[Moment, ...]) -> list[Variant]:
        plan = self._unreadable_plan if kind is PARKED else self._plan
        return [
            make_stopped(
                self._account,
                plan,
                self._other_plan,
                kind,
                harm,
                Crash(step=kind.step, moment=moment),
            )
            for moment in (Moment if IS_CHAOS else moments)
        ]


def test_every_crash_of_a_kept_change_and_of_a_parked_bill_has_one_effect(
    account: Account,
    workers: Workers,
    module_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catching_up, "AT_ONCE", 1)
    lives = StoppedLives(account)
    killed = [one for each in lives.killed.values() for one in each]
    unanswered = [one for each in lives.unanswered.values() for one in each]
    everybody = lives.of(*KINDS)

    stage = Stage(account=account, database_url=module_database_url, settle=lambda _one: None)
    with stage.broken_plan(lives.of(PARKED)[0].subscription):
        let_workers_die(killed, workers.settings, lambda: workers.wake_all(account, everybody))
        workers.serve(killed)
        workers.serve(unanswered, harm=lose_the_connection)
        for variant in everybody:
            account.wait_for_clock(variant.clock)
    retry_all(account, lives.of(PARKED))
    workers.wake_all(account, lives.of(PARKED))

    for kind in KINDS:
        check_stopped(account, kind, lives.of(kind))
    check_numbered(account, everybody)
    assert workers.struck == len(unanswered)
