"""From usage to priced lines: the first steps of a bill, and what they leave behind."""
