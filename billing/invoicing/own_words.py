"""What the product calls lines that no price has, and gives as reasons; rows keep it in English.

Documents in other languages say it in theirs (services/documents/own_words.py).
"""

from __future__ import annotations

from typing import Final

EARLIER_CREDIT: Final = "Credit from an earlier invoice"
CARRIED_CREDIT: Final = "Credit carried to the next invoice"
LATE_USAGE: Final = "Late usage"
CORRECTION: Final = "Correction"
INVOICED_BEFORE: Final = "Invoiced before"
SOLD_CREDIT: Final = "Credit: "
TRUE_UP: Final = "Commitment true-up"
ABOVE_COMMITMENT: Final = "Usage above the commitment"
COMMITMENT_CORRECTION: Final = "Correction of a commitment"

CARRIED_REASON: Final = "No further invoice took the credit."
CORRECTED_REASON: Final = "Usage was corrected after the invoice was final."
REFUNDED_REASON: Final = "Credit that was not spent is refunded."
NOT_PAID_REASON: Final = "The purchase was not paid: what was not spent of it is not owed."

SETTLED: Final = "Settled with another invoice, after tax"
"""Why credit from or to another invoice bears no tax."""
