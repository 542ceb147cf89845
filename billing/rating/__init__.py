"""From quantities to priced lines: terms, parts of periods, allowances, bounds, proration."""
