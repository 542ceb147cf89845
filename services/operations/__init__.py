"""What operators watch: coverage, outbox, work that waits."""
