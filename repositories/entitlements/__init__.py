"""What entitlement checks are decided from."""
