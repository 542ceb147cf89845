"""What stands on a document, and how it is shown."""
