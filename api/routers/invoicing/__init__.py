"""Bills, and what is done to them."""
