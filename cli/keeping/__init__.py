"""``fluxrate backup``, ``restore`` and ``doctor``: keeping what there is."""
