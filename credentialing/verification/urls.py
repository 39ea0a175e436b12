"""Public addresses of verification (docs/architecture.md#addresses)."""

from django.urls import path

from credentialing.verification import views

app_name = "verify"
urlpatterns = [
    path("", views.form_page, name="form"),
    path("file/", views.compare_file, name="file"),
    path("<str:code>/", views.answer_page, name="code"),
    path("<str:code>/receipt/", views.receipt, name="receipt"),
]
