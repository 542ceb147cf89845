"""Credit that is granted again and again."""
