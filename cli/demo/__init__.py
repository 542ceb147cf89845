"""``fluxrate demo``: from nothing to two issued invoices, as a customer of the API sees it."""
