"""Double entry: the accounts of the books, and what is entered in them."""
