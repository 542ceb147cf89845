"""What leaves a process for those who watch it: log lines, without secrets or people."""
