"""The addresses of people below /api/v1/."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("session/", views.SessionView.as_view(), name="session"),
    path("accounts/lookup/", views.LookupView.as_view(), name="lookup"),
]
