"""How long the console's pages take where there is a lot to look at."""
