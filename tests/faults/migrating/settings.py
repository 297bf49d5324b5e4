"""Production's settings and one app more."""

from config.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.migrating"]  # noqa: F405
