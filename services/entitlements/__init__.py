"""What a customer may do now, and how much is left."""
