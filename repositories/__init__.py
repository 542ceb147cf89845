"""Every SQL statement. Functions take the session first; they never decide, commit or log."""
