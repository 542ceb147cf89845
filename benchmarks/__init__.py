"""What is fast, measured in the same run as the limit that it is compared with."""
