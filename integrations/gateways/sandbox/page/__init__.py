"""The page on which people pay, or do not."""
