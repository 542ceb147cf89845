"""From priced lines to documents: totals, taxes, corrections, receipts, explanations."""
