"""The addresses of buying."""

from django.urls import path, re_path

from purchases import views, webhooks, why_views

app_name = "purchases"
urlpatterns = [
    path("pricing/", views.pricing, name="pricing"),
    path("pricing/<slug:slug>/", views.tier, name="tier"),
    path("purchases/", views.history, name="history"),
    path("purchases/why/", why_views.why_mine, name="why"),
    path("purchases/pay/<uuid:session_id>/", views.pay, name="pay"),
    path("purchases/underway/<uuid:session_id>/", views.underway, name="underway"),
    path("purchases/return/<uuid:purchase_id>/", views.returned, name="return"),
    path("purchases/cancelled/<uuid:purchase_id>/", views.cancelled, name="cancelled"),
    path("purchases/session/<uuid:session_id>/", views.for_session, name="for_session"),
    path("purchases/<uuid:purchase_id>/", views.detail, name="detail"),
    path("purchases/<uuid:purchase_id>/status/", views.status, name="status"),
    path("purchases/<uuid:purchase_id>/check/", views.check, name="check"),
    path("webhooks/stripe/", webhooks.stripe_webhook, name="webhook"),
    # A redirect to the slash would count as a failed delivery.
    re_path(r"^webhooks/stripe$", webhooks.stripe_webhook, name="webhook_without_slash"),
]
