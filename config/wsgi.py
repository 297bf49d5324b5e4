"""The web application: `config.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

from config.required import refuse_without_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
refuse_without_settings()
application = get_wsgi_application()
