"""Addresses of credentialing (docs/architecture.md#addresses)."""

from django.urls import include, path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing import views
from credentialing.claims_history.urls import PATTERNS as CLAIMS_HISTORY

app_name = "credentialing"
urlpatterns = [
    path("", views.home, name="home"),
    path("issue/<public_id:public_id>/", views.issue, name="issue"),
    path("certificates/", views.certificates, name="certificates"),
    path("certificates/<public_id:public_id>/", views.certificate_page, name="certificate"),
    path("certificates/<public_id:public_id>/progress/", views.progress, name="progress"),
    path("certificates/<public_id:public_id>/pdf/", views.download, name="pdf"),
    path("certificates/<public_id:public_id>/retry/", views.retry, name="retry"),
    path("claims-history/", include(CLAIMS_HISTORY)),
]
