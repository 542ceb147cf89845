"""One effect each, retried safely. ``declarations`` are what workflows may know of them."""
