"""A subscription's life before any money: start, periods, agenda, clocks, timeline."""
