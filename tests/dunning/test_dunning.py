"""What happens by itself to an invoice that nobody pays, on a test clock."""

from __future__ import annotations

from tests.dunning.conftest import FEBRUARY, Site
from tests.dunning.gateway import Answer


def test_saved_method_pays_the_invoice_as_it_becomes_final(site: Site) -> None:
    site.advance(FEBRUARY)

    invoice = site.invoice()
    assert (invoice["status"], invoice["amount_due"]) == ("PAID", 0)
    assert site.payments() == [("02-01 01:00", "succeeded")]
    assert len(site.gateway.charges) == 1


def test_second_try_succeeds(site: Site) -> None:
    site.gateway.answers[:] = [Answer.DECLINED, Answer.PAID]

    site.advance("2025-02-10T00:00:00Z")

    assert site.invoice()["status"] == "PAID"
    assert site.payments() == [("02-01 01:00", "failed"), ("02-02 01:00", "succeeded")]
