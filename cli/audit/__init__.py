"""The audit log on the machine itself: verified, exported, bound."""
