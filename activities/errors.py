"""How a broken rule reaches a workflow: as a failure that is not retried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from billing.errors import BillingError, Unavailable


@contextmanager
def translated() -> Iterator[None]:
    """Let whatever is not a broken rule pass, to be retried; a broken rule ends the step.

    ``Unavailable`` may heal by itself, so it is retried like a lost connection.
    """
    try:
        yield
    except Unavailable:
        raise
    except BillingError as error:
        raise ApplicationError(
            error.detail, error.identifiers, type=error.code, non_retryable=True
        ) from error
