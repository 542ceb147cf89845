"""Where links of accounts lead: choosing a password."""
