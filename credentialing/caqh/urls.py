"""Addresses of CAQH sheets, below those of credentialing."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing.caqh import views

PATTERNS = [
    path("<public_id:public_id>/", views.sheet, name="caqh"),
    path("<public_id:public_id>/together/", views.together, name="caqh-together"),
    path("certificates/<public_id:public_id>/", views.download, name="caqh-zip"),
    path("terms/<public_id:public_id>/", views.excel, name="caqh-excel"),
]
