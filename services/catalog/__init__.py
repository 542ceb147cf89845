"""What is sold: features, meters, plans with their versions, charges and grants, tax rates."""
