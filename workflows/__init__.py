"""When, in what order, how long to wait. No amounts, no rows, no calendar."""
