"""The sandbox gateway: a provider of payments in which no money moves."""
