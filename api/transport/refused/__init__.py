"""What a request is told of each field that is refused."""
