"""Terms of commitments that a bill settles or corrects, and whether they come out again."""
