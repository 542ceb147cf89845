"""Who makes a request, and how far their credentials reach."""
