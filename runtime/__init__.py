"""What a process needs to run: settings, connections, embedded servers. Only entry points import it."""
