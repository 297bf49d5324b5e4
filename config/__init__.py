"""The project: settings, addresses, worker, health. Importing it makes `shared_task` find the application."""
