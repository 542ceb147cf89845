"""One module per topic; ``api.app`` mounts their routers under /api/v1."""
