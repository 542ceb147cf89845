"""What a process runs on: settings, connections, embedded servers. For entry points only."""
