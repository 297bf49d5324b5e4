"""The addresses of choosing and reviewing, below /checkout/."""

from django.urls import path

from checkout import views

app_name = "checkout"
urlpatterns = [
    path("", views.start, name="start"),
    path("<uuid:session_id>/", views.detail, name="detail"),
    path("<uuid:session_id>/change/", views.change, name="change"),
    path("<uuid:session_id>/recover/", views.recover, name="recover"),
    path("<uuid:session_id>/cancel/", views.cancel, name="cancel"),
]
