"""What the address of a request says: its path, the names in it, and its query."""
