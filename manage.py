#!/usr/bin/env python
"""The project's command line."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Run `make run` once, or use .venv/bin/python manage.py ...")
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    from config.required import explained

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(explained(error))
    except OperationalError as error:
        sys.exit("The database does not answer, or gave up: " + str(error).strip().partition("\n")[0])
