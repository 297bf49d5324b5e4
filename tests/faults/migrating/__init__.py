"""An app with one migration of somebody else's table, to be applied while people buy."""
