"""How much of the process anybody may take, and who waits for it."""
