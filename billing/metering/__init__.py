"""From events to quantities: aggregations, tallies, filters, hours."""
