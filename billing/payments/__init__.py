"""Money in: what gateways are asked and answer, and what becomes of it."""
