"""A small stateful Stripe of our own: a process of its own, spoken to over HTTP only."""
