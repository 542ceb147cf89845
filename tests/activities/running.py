"""Steps as a worker runs them: by their registered functions, in an environment of Temporal's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from inspect import isawaitable
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel
from temporalio.testing import ActivityEnvironment

from activities import declarations
from activities.declarations import ActionRequest, Request, Result, Step
from activities.subscriptions import SubscriptionActivities
from billing.subscriptions import Action, AgendaEntry
from repositories.transactions import Transactions
from tests.services.lives import Life
from tests.services.shop import NOW, Shop
from worker import workflow_steps
from workflows.subscription import SINGLE_STEPS


class CountedTransactions(Transactions):
    """Counts the transactions that were opened, and may refuse to open any."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.opened = 0
        self.refusal: Exception | None = None

    @contextmanager
    def for_organizations(self, organization_ids: Sequence[UUID]) -> Iterator[Session]:
        """One more, unless it is refused."""
        self.opened += 1
        if self.refusal is not None:
            raise self.refusal
        with super().for_organizations(organization_ids) as session:
            yield session


class Steps:
    """The steps of one worker."""

    def __init__(self, transactions: Transactions) -> None:
        registered = workflow_steps(SubscriptionActivities(transactions, lambda: NOW))
        self._functions = dict(
            zip((step.name for step in declarations.STEPS), registered, strict=True)
        )

    async def run(
        self, step: Step[Request, Result], request: Request, *, attempt: int = 1, run: str = "a"
    ) -> Result:
        """The step's result, in this attempt of this run of a workflow."""
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt, workflow_run_id=run)
        found = environment.run(self._functions[step.name], request)
        result: Result = await found if isawaitable(found) else found
        return result


def request_of(life: Life, entry: AgendaEntry) -> ActionRequest:
    """What the workflow asks for an entry of its agenda."""
    return ActionRequest(
        organization_id=str(life.shop.organization_id),
        subscription_id=str(life.subscription_id),
        due_at=entry.due_at,
        period_index=entry.period_index,
        invoice_id=entry.invoice_id,
        revision=entry.revision,
    )


def next_request(life: Life) -> ActionRequest:
    """What the workflow asks next."""
    return request_of(life, life.state().agenda[0])


def steps_of(action: Action) -> Sequence[Step[ActionRequest, Any]]:
    """The steps of an action, in their order."""
    if action is Action.BILL_PERIOD:
        return (*declarations.BILL_STEPS, declarations.ISSUE_INVOICE)
    return (SINGLE_STEPS[action],)


def every_row(shop: Shop) -> dict[str, list[str]]:
    """All rows of the organization, by table."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        return {
            table.name: list(
                session.scalars(
                    text(f'SELECT row_to_json(one)::text FROM "{table.name}" AS one ORDER BY 1')
                )
            )
            for table in SQLModel.metadata.sorted_tables
        }
