"""The API or the worker, with hours of patience made seconds: ``… short_patience worker``.

The sandbox gateway does what it does late within two seconds, so that a charge that it does not
know after twelve seconds is on its way no more, as it is after an hour elsewhere.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import worker
from activities import charges
from billing.payments import states
from cli import serve
from repositories.notifications import due
from services.dunning import attempts, gateway_requests
from workflows import options

FORGOTTEN_AFTER = timedelta(seconds=12)
CLAIM_HOLDS = timedelta(seconds=6)
BEAT_SECONDS, MISSED_AFTER = 1.0, timedelta(seconds=4)
LONGEST_PAUSE = timedelta(seconds=10)
TAKEN_FOR = timedelta(seconds=30)


def shorten() -> None:
    """What is given up after an hour is given up within seconds; nothing else differs."""
    for module in (attempts, gateway_requests):
        vars(module)["FORGOTTEN_AFTER"] = FORGOTTEN_AFTER
    vars(charges).update(CLAIM_HOLDS=CLAIM_HOLDS, BEAT_SECONDS=BEAT_SECONDS)
    options.GATEWAY_STEP["heartbeat_timeout"] = MISSED_AFTER
    vars(states)["LONGEST_PAUSE"] = LONGEST_PAUSE
    object.__setattr__(due.GATEWAY_TASKS, "taken_for", TAKEN_FOR)
    options.GATEWAY_STEP["retry_policy"].maximum_interval = LONGEST_PAUSE
    options.DATABASE_STEP["retry_policy"].maximum_interval = LONGEST_PAUSE


def main() -> None:
    """Serve as the words say."""
    shorten()
    if sys.argv[1] == "worker":
        worker.main()
    sys.argv[1:] = sys.argv[2:]
    serve.main()


if __name__ == "__main__":
    main()
