"""``fluxrate up``, ``status`` and ``down``: one instance on this machine."""
