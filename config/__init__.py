"""The project: settings, addresses, worker, health."""
