"""How an installation is deployed and watched."""
