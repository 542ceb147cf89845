"""What is held about one customer: where it is, page by page, and how it goes."""
