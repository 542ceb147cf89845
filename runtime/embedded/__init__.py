"""PostgreSQL and Temporal out of wheels, as processes of this machine."""
