"""The addresses of paying below /api/v1/."""

from django.urls import path

from purchases.api import views

urlpatterns = [
    path("checkout/sessions/<uuid:session_id>/pay/", views.PayView.as_view(), name="pay"),
    path("purchases/reconcile/", views.ReconcileView.as_view(), name="reconcile"),
    path("purchases/<uuid:purchase_id>/", views.PurchaseView.as_view(), name="purchase"),
]
