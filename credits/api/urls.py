"""The ledger's addresses below /api/v1/."""

from django.urls import path

from credits.api import moving, reading

urlpatterns = [
    path("balance/sync/", reading.SyncView.as_view(), name="balance_sync"),
    path("accounts/<str:account>/balance/", reading.BalanceView.as_view(), name="balance"),
    path("accounts/<str:account>/entries/", reading.EntriesView.as_view(), name="entries"),
    path("accounts/<str:account>/spend/", moving.SpendView.as_view(), name="spend"),
    path("accounts/<str:account>/grants/", moving.GrantView.as_view(), name="grants"),
    path("accounts/<str:account>/holds/", moving.HoldsView.as_view(), name="holds"),
    path("holds/<uuid:hold>/capture/", moving.CaptureView.as_view(), name="capture"),
    path("holds/<uuid:hold>/release/", moving.ReleaseView.as_view(), name="release"),
    path("spends/<uuid:spend>/reverse/", moving.ReverseView.as_view(), name="reverse"),
]
