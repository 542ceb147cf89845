"""Credit: grants, balances and ledgers of customers."""
