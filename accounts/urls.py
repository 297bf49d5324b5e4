"""The addresses of people, below /accounts/."""

from django.contrib.auth import views as auth_views
from django.urls import path

from accounts import views

app_name = "accounts"

reset_done = auth_views.PasswordResetDoneView.as_view(template_name="accounts/password_reset_done.html")
reset_complete = auth_views.PasswordResetCompleteView.as_view(
    template_name="accounts/password_reset_complete.html"
)
change_done = auth_views.PasswordChangeDoneView.as_view(template_name="accounts/password_change_done.html")

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("register/", views.Register.as_view(), name="register"),
    path("claim/", views.claim, name="claim"),
    path("claim/sent/", views.claim_sent, name="claim_sent"),
    path("claim/<str:token>/", views.claim_link, name="claim_link"),
    path("prove/", views.prove, name="prove"),
    path("prove/<str:token>/", views.prove_link, name="prove_link"),
    path("password-reset/", views.PasswordReset.as_view(), name="password_reset"),
    path("password-reset/done/", reset_done, name="password_reset_done"),
    path("password-reset/complete/", reset_complete, name="password_reset_complete"),
    path(
        "password-reset/<uidb64>/<token>/",
        views.PasswordResetConfirm.as_view(),
        name="password_reset_confirm",
    ),
    path("password-change/", views.PasswordChange.as_view(), name="password_change"),
    path("password-change/done/", change_done, name="password_change_done"),
]
