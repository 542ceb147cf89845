"""``fluxrate import``: out of other billing systems."""
