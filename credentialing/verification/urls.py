"""Public addresses of verification (docs/architecture.md#addresses)."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing.sending import views as sending_views
from credentialing.verification import views

app_name = "verify"
urlpatterns = [
    path("", views.form_page, name="form"),
    path("file/", views.compare_file, name="file"),
    path("mail/<public_id:public_id>/", sending_views.mailed, name="mailed"),
    path("<str:code>/", views.answer_page, name="code"),
    path("<str:code>/receipt/", views.receipt, name="receipt"),
]
