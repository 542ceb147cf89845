"""Changes of a subscription that bill: cancel, change of plan, bill now, reissue, catching up."""
