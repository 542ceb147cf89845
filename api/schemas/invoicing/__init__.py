"""Bills and credit notes, as bodies and answers."""
