"""No thread of the product computes in a context that drops digits."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Context, Decimal, Inexact, getcontext

import pytest

from billing.ratios import EXACT

LONG = Decimal("123456789012345678901234567890.01234567890123456789")

LATE = """
from decimal import Decimal
Decimal(1) / Decimal(3)  # a library computes before anybody imports the rules
import billing
assert -Decimal("%(long)s") == Decimal("-%(long)s")
"""


def compute() -> list[Decimal]:
    """What looks harmless."""
    return [LONG + 1 - 1, -LONG, abs(-LONG), sum([LONG, LONG], Decimal(0))]


def test_whoever_forgets_to_say_so_computes_exactly_as_well() -> None:
    """Negation and ``abs`` round too, which nobody expects of them."""
    computed = compute()
    with ThreadPoolExecutor() as threads:
        elsewhere = threads.submit(compute).result()

    assert [str(one) for one in computed] == [
        str(LONG),
        f"-{LONG}",
        str(LONG),
        "246913578024691357802469135780.02469135780246913578",
    ]
    assert elsewhere == computed


def test_a_result_without_a_last_digit_is_an_error_in_every_thread() -> None:
    with pytest.raises(Inexact):
        Decimal(1) / Decimal(3)
    with ThreadPoolExecutor() as threads, pytest.raises(Inexact):
        threads.submit(lambda: Decimal(1) / Decimal(3)).result()


def test_the_context_of_the_process_is_the_exact_one() -> None:
    with ThreadPoolExecutor() as threads:
        for context in (getcontext(), threads.submit(getcontext).result(), Context()):
            assert (context.prec, context.traps) == (EXACT.prec, EXACT.traps)


def test_it_holds_in_a_thread_that_has_computed_before_the_rules_are_imported() -> None:
    subprocess.run([sys.executable, "-c", LATE % {"long": LONG}], check=True)
