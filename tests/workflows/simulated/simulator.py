"""A deterministic simulator of one subscription's life under faults.

It plays Temporal's server and its workers around the real workflow class, with a virtual clock
and the model of the facts in ``books``. One seed decides everything: what customers do and when,
which step is lost or done twice, when a worker dies and how much of its work nobody had heard of.
After every step the invariants are checked; a failing seed repeats exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.bridge.proto.workflow_commands import ScheduleLocalActivity
from temporalio.exceptions import ApplicationError

from activities import declarations
from tests.workflows import activations
from tests.workflows.activations import Activated, Step
from tests.workflows.simulated.facts import MONTH
from tests.workflows.simulated.fates import START, FaultPlan
from tests.workflows.simulated.invariants import (
    LATENCY,
    STEPS_OF_MONEY,
    check_end,
    check_money,
    check_performed,
    check_rest,
    check_settled,
)
from tests.workflows.simulated.passing_time import Life, Waiting
from workflows.subscription import SubscriptionInput

STEPS_A_MONTH = 600
INPUT = SubscriptionInput(organization_id="organization", subscription_id="subscription")

REQUESTS = {step.name: step.request for step in declarations.STEPS}
"""What each step is asked with."""


@dataclass(slots=True)
class Simulation(Life):
    """One life under faults. ``run`` raises AssertionError where an invariant breaks."""

    def run(self) -> Simulation:
        """Live to the end, then let everything calm down."""
        steps = 0
        most = STEPS_A_MONTH * ((self.ends_at - START) // MONTH + 6)
        while self._step():
            steps += 1
            assert steps < most, f"still busy after {steps} steps at {self.now}"
        check_end(self)
        return self

    def _step(self) -> bool:
        """One thing happens; False if nothing is left to happen."""
        faults = self.faults
        assert faults is not None
        if self.zombies and self._happens(0.2):
            self._raise_zombie()
        elif self.waiting:
            self._serve(faults)
        elif self.outbox and not self._happens(faults.delayed):
            self.outbox -= 1
            self.inbox += 1
        elif self._is_woken():
            self._begin_task(faults)
        elif self.outbox:
            self.now += timedelta(seconds=self.random.randint(1, 600))
        elif self.retrying:
            self.now = max(self.now, min(self.timers[seq] for seq in self.retrying))
        else:
            check_rest(self)
            return self._pass_time(faults)
        return True

    # The server.

    def _is_woken(self) -> bool:
        return self.inbox > 0 or any(due <= self.now for due in self.timers.values())

    def _begin_task(self, faults: FaultPlan) -> None:
        self.task_at = self.now
        self.is_long = self._happens(faults.long)
        if self.workflow is not None and self._happens(faults.terminated):
            self.workflow.evict()
            self._forget()
            self.outbox += 1
        if self.workflow is None:
            if self.inbox:
                self._start(activations.starting(self.definition, INPUT, at=self.now))
            return
        if self._happens(faults.evicted):
            self._rebuild()
        self._tell(self._news())

    def _news(self) -> list[Any]:
        due = sorted(seq for seq, at in self.timers.items() if at <= self.now)
        news = [activations.signaled("facts_changed") for _ in range(self.inbox)]
        self.inbox = 0
        if self._happens(0.5):
            return news + [activations.fired(seq) for seq in due]
        return [activations.fired(seq) for seq in due] + news

    def _start(self, job: Any) -> None:
        self.runs += 1
        self.workflow = Activated(self.definition, self.now)
        self.durable = 0
        self._forget_waits()
        self._tell([job, *self._news()])

    def _tell(self, jobs: list[Any]) -> None:
        assert self.workflow is not None
        if not jobs:
            return
        self.workflow.activate(jobs, at=self.task_at, is_long=self.is_long)
        self._observe(self.workflow.journal[-1])
        if not self.waiting:
            self._end_task()

    def _end_task(self) -> None:
        """The server hears what the task decided, unless news arrived meanwhile."""
        assert self.workflow is not None
        last = self.workflow.journal[-1].commands[-1:]
        is_over = any(
            command.HasField("complete_workflow_execution")
            or command.HasField("continue_as_new_workflow_execution")
            for command in last
        )
        assert not any(command.HasField("fail_workflow_execution") for command in last), (
            "the workflow failed"
        )
        if not is_over:
            self.durable = len(self.workflow.journal)
            return
        if self.inbox:
            self._crash()  # the server refuses to end a run that has unread news
            return
        self.workflow.evict()
        self._forget()
        if last[0].HasField("continue_as_new_workflow_execution"):
            self._start(activations.starting_again(self.definition, last[0], at=self.now))

    def _forget(self) -> None:
        self.workflow = None
        self.durable = 0
        self._forget_waits()

    def _forget_waits(self) -> None:
        self.timers.clear()
        self.retrying.clear()
        self.waiting.clear()

    def _observe(self, step: Step) -> None:
        """What the server and the worker know after an activation and its answer."""
        at = step.activation.timestamp.ToDatetime(tzinfo=UTC)
        is_retried = False
        for job in step.activation.jobs:
            if job.HasField("fire_timer"):
                self.timers.pop(job.fire_timer.seq, None)
                self.retrying.discard(job.fire_timer.seq)
            elif job.HasField("resolve_activity"):
                self.waiting.pop(job.resolve_activity.seq)
                is_retried = job.resolve_activity.result.HasField("backoff")
        for command in step.commands:
            if command.HasField("start_timer"):
                wait = command.start_timer.start_to_fire_timeout.ToTimedelta()
                self.timers[command.start_timer.seq] = at + wait + LATENCY
                if is_retried:
                    self.retrying.add(command.start_timer.seq)
            elif command.HasField("cancel_timer"):
                self.timers.pop(command.cancel_timer.seq, None)
            elif command.HasField("schedule_local_activity"):
                scheduled = command.schedule_local_activity
                self.waiting[scheduled.seq] = _waiting(scheduled, at)

    # Workers.

    def _serve(self, faults: FaultPlan) -> None:
        """The step that is waited for is tried: done, lost, done unheard of, or left for later."""
        self.now += timedelta(milliseconds=self.random.randint(1, 900))
        if self._do_planned() or self._happens(faults.heartbeat):
            self._heartbeat()
        if self._happens(faults.crash):
            self._crash()
            return
        seq, one = next(iter(self.waiting.items()))
        if self._happens(faults.postponed):
            wait = timedelta(seconds=self.random.randint(1, 300))
            self._tell(
                [activations.postponed(seq, attempt=one.attempt + 3, wait=wait, since=one.since)]
            )
            return
        if self._happens(faults.lost):
            return
        try:
            result = self._perform(one, is_late=False)
        except ApplicationError as error:
            self._tell([activations.refused(seq, error)])
            return
        if not self._happens(faults.repeated):
            if not isinstance(result, declarations.StepDone):
                self.told_at_changes = self.books.changes
            self._tell([activations.completed(seq, result)])

    def _perform(self, one: Waiting, *, is_late: bool) -> Any:
        before = len(self.books.effects)
        agenda = self.books.agenda()
        result = self.books.perform(one.name, one.request, now=self.now + self.skew)
        if not is_late:
            index = getattr(one.request, "period_index", None)
            self.requests.append((one.name, index, getattr(one.request, "revision", 1)))
        has_effect = len(self.books.effects) > before
        # These take all there is, so a step that comes late may take what came after it.
        is_early = is_late and one.name in (
            declarations.SETTLE_LATE_USAGE.name,
            declarations.RETURN_CREDIT.name,
            declarations.GRANT_CREDIT.name,
        )
        # Nor did who began it know of what has changed since.
        is_outdated = is_late and self.books.changes != one.changes
        is_told = self.books.changes == self.told_at_changes
        if has_effect and is_told and not is_early and not is_outdated:
            check_performed(one, agenda)
        if has_effect and one.name in STEPS_OF_MONEY:
            check_money(self.books)
            check_settled(one, self.books)
        return result

    def _heartbeat(self) -> None:
        """The server hears of the steps done so far, and the task of what is new."""
        assert self.workflow is not None
        self.durable = len(self.workflow.journal)
        self.task_at = self.now
        self.inbox += self.outbox
        self.outbox = 0
        self._tell(self._news())

    def _crash(self) -> None:
        """The worker dies; another one goes on from what the server had heard."""
        assert self.faults is not None
        self.crashes += 1
        for one in self.waiting.values():
            if self._happens(self.faults.late):
                one.changes = self.books.changes
                self.zombies.append(one)
        self.now += timedelta(seconds=self.random.randint(1, 30))
        if self.durable == 0:
            assert self.workflow is not None
            first = self.workflow.journal[0].activation.jobs
            self.inbox += sum(
                job.HasField("signal_workflow")
                for step in self.workflow.journal
                for job in step.activation.jobs
            )
            self.task_at = self.now
            self._start(first[0])
            return
        self._rebuild()
        self.task_at = self.now
        if self.inbox or not self.waiting:
            # What the lost task had not read begins the next one.
            self._tell(self._news())

    def _rebuild(self) -> None:
        """A copy of the run takes its place; signals that only the lost part had read return."""
        assert self.workflow is not None
        unheard = self.workflow.journal[self.durable :]
        self.inbox += sum(
            job.HasField("signal_workflow") for step in unheard for job in step.activation.jobs
        )
        self.workflow = self.workflow.replayed(self.durable)
        self._forget_waits()
        for step in self.workflow.journal:
            self._observe(step)

    def _raise_zombie(self) -> None:
        one = self.zombies.pop(self.random.randrange(len(self.zombies)))
        try:
            self._perform(one, is_late=True)
        except ApplicationError:
            return


def _waiting(command: ScheduleLocalActivity, at: datetime) -> Waiting:
    kind = REQUESTS[command.activity_type]
    request = activations.decode(command.arguments[0], kind)
    return Waiting(command.activity_type, request, at, max(1, command.attempt))
