"""One effect each, retried safely. ``messages`` is what workflows may know of them."""
