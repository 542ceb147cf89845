"""Makes the clients of the document that the product prints."""
