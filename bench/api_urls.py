"""The project's addresses, and one whose view does nothing."""

from django.urls import path

from bench.api import empty
from config.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500"]
urlpatterns = [path("empty/", empty), *urlpatterns]
