"""Texts: names that people give, and cells of tables for programs that read them."""
