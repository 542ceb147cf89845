"""What only the owner of the database can do to books, and how verification names it.

Each is a statement, and place, fault and beginning of the sentence of what is found first.
"""

from __future__ import annotations

TAMPERINGS = {
    "amount": (
        "UPDATE invoice SET subtotal = 1, total = 1, amount_due = 1 WHERE period_index = 0",
        (1, "invoice_changed", "subtotal is 1, and was 7 when it was issued."),
    ),
    "line": (
        (
            "UPDATE invoice_line SET line_total = 1, calculation = jsonb_set(calculation,"
            " '{exact_amount}', '\"1\"') WHERE exact_amount = 7"
        ),
        (1, "lines_changed", "Line 1: line_total is 1, and comes out as 7."),
    ),
    "event": (
        "DELETE FROM usage_event",
        (1, "events_changed", "Usage was 7 by 1 events, and is 0 by 0."),
    ),
    "plan": (
        (
            'UPDATE plan_version SET terms = replace(terms::text, \'"unit_price": "1"\','
            ' \'"unit_price": "2"\')::jsonb'
        ),
        (1, "plan_changed", "Version 2 of the plan was changed."),
    ),
    "what was frozen": (
        (
            "UPDATE billing_run SET content = replace(content::text, '\"7\"', '\"8\"')::jsonb"
            " WHERE step = 'usage' AND period_index = 0"
        ),
        (1, "inputs_changed", "What it was computed from was changed."),
    ),
    "removed receipt": (
        "DELETE FROM signed_receipt WHERE sequence = 2",
        (3, "receipt_missing", "What comes before it in the chain was taken away."),
    ),
    "removed last receipt": (
        "DELETE FROM signed_receipt WHERE sequence = 4",
        (3, "receipt_missing", "The chain has 4 receipts, and ends at 3."),
    ),
    "removed invoice": (
        "DELETE FROM invoice WHERE period_index = 2",
        (3, "invoice_changed", "The invoice is gone."),
    ),
    "swapped signature": (
        (
            "UPDATE signed_receipt AS one SET signature = other.signature"
            " FROM signed_receipt AS other"
            " WHERE one.sequence = 2 AND other.sequence = 3"
            " AND one.organization_id = other.organization_id"
        ),
        (2, "signature_wrong", "The signature is not of this receipt."),
    ),
    "edited by hand": (
        (
            "WITH edited AS (UPDATE invoice SET is_edited = true WHERE period_index = 0)"
            " UPDATE invoice_line SET calculation = jsonb_set(calculation, '{name}', '\"Bribes\"')"
            " WHERE exact_amount = 7"
        ),
        (
            1,
            "invoice_changed",
            "It was computed from usage when it was issued, and its row says it was not.",
        ),
    ),
    "of no period": (
        "UPDATE invoice SET period_index = NULL WHERE period_index = 0",
        (
            1,
            "invoice_changed",
            "It was computed from usage when it was issued, and its row says it was not.",
        ),
    ),
    "line's text": (
        (
            "UPDATE invoice_line SET calculation = jsonb_set(calculation, '{description}',"
            " '\"Bribes\"') WHERE exact_amount = 7"
        ),
        (1, "lines_changed", "Line 1: description is Bribes, and comes out as API Calls."),
    ),
    "line that cannot be read": (
        "UPDATE invoice_line SET calculation = '[1.5]' WHERE exact_amount = 7",
        (1, "lines_changed", "A line is none that was written"),
    ),
    "line of another bill": (
        (
            "INSERT INTO invoice_line SELECT organization_id, gen_random_uuid(), invoice_id,"
            " position + 1, 'late_usage', description, quantity, unit_amount, line_total,"
            " exact_amount, charge_id, meter_id, usage_quantity, included_quantity,"
            " limit_exceeded, period_start, period_end,"
            ' calculation || \'{"type": "late_usage"}\' FROM invoice_line'
            " WHERE exact_amount = 7"
        ),
        (1, "lines_changed", "The lines come to 14, and the invoice to 7."),
    ),
    "tax": (
        (
            "INSERT INTO invoice_tax (organization_id, id, invoice_id, position, tax_rate_id, name,"
            " percentage, is_inclusive, taxable_amount, amount) SELECT organization_id,"
            " gen_random_uuid(), id, 0, gen_random_uuid(), 'VAT', 18, false, 7, 1 FROM invoice"
            " WHERE period_index = 0"
        ),
        (1, "invoice_changed", "Its taxes come to 1, and the invoice's tax is 0."),
    ),
    "number with a fraction": (
        (
            "UPDATE signed_receipt SET content = jsonb_set(content, '{total}', '1.5')"
            " WHERE sequence = 1"
        ),
        (1, "receipt_changed", "The receipt does not have its digest."),
    ),
    "no object": (
        "UPDATE signed_receipt SET content = '[]' WHERE sequence = 1",
        (1, "receipt_changed", "The receipt does not have its digest."),
    ),
    "content of a receipt": (
        (
            "UPDATE signed_receipt SET content = jsonb_set(content, '{total}', '\"1\"')"
            " WHERE sequence = 1"
        ),
        (1, "receipt_changed", "The receipt does not have its digest."),
    ),
}
