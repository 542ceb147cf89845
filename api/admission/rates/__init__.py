"""How often somebody may ask: limits by key and organization, and the headers that tell of them."""
