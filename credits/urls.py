"""The addresses of the statement."""

from django.urls import path

from credits import views

app_name = "credits"
urlpatterns = [
    path("", views.statement, name="statement"),
    path("statement.csv", views.statement_csv, name="statement_csv"),
]
