"""Who is in an organization, who is asked to join, and how a password is changed."""
