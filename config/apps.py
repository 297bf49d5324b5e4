from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers the system checks


class CofferAdminConfig(AdminConfig):
    """Django's admin, with our front page."""

    default_site = "config.admin_site.CofferAdminSite"
