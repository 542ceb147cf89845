"""The shape of ``docker-compose.yml`` as processes of this machine, without containers."""
