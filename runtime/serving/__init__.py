"""How the API's HTTP server treats connections: what they may send, for how long, how many."""
