"""What requests and responses look like. Tables never reach the outside; these do."""
