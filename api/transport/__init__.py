"""How requests and answers look on the wire, whatever they are about."""
