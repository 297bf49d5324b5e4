"""The checkout's addresses below /api/v1/."""

from django.urls import path

from checkout.api import views

urlpatterns = [
    path("tiers/", views.TiersView.as_view(), name="tiers"),
    path("checkout/sessions/", views.StartView.as_view(), name="checkout_start"),
    path("checkout/sessions/<uuid:session_id>/", views.SessionView.as_view(), name="checkout_session"),
    path("checkout/sessions/<uuid:session_id>/change/", views.ChangeView.as_view(), name="checkout_change"),
    path(
        "checkout/sessions/<uuid:session_id>/recover/", views.RecoverView.as_view(), name="checkout_recover"
    ),
]
