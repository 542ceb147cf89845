"""Starts the workflow that collects an invoice, or wakes the one that runs."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from services.operations.outbox import CollectMessage
from workflows.names import payment_workflow_id
from workflows.payment import PaymentInput, PaymentWorkflow


async def wake_payment_workflow(
    client: Client, message: CollectMessage, *, task_queue: str
) -> None:
    """The invoice's workflow runs and knows that the facts changed. Harmless to repeat.

    One that has ended is started again, because PostgreSQL says whether anything is left to do.
    """
    invoice_id = str(message.invoice_id)
    await client.start_workflow(
        PaymentWorkflow.run,
        PaymentInput(organization_id=str(message.organization_id), invoice_id=invoice_id),
        id=payment_workflow_id(invoice_id),
        task_queue=task_queue,
        start_signal="facts_changed",
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Payment of invoice {invoice_id}",
        static_details="Tries the saved method, reminds, and ends what nobody pays.",
        rpc_timeout=timedelta(seconds=5),
    )
